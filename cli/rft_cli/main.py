"""The `rft` command."""

import os
import signal
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from rft_cli.commands import (
    certify,
    dataset,
    demo,
    empty,
    forget,
    grade,
    judge,
    local,
    models,
    plan,
    release,
    reward,
    run,
    teardown,
    validate,
    verify_aws,
    versions,
)
from rft_cli.console import say

app = typer.Typer(
    name="rft",
    help="Reinforcement fine-tuning on Amazon Bedrock: deploy, run, watch, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(local.app)
app.add_typer(dataset.app)
app.add_typer(judge.app)
app.add_typer(reward.app)
app.add_typer(release.app)
for command in (
    plan.preflight,
    plan.plan,
    run.run,
    run.watch,
    run.report,
    run.stop,
    run.runs,
    validate.validate,
    grade.grade,
    certify.certify,
    demo.demo,
    models.models,
    versions.versions,
    verify_aws.verify_aws,
    teardown.teardown,
    empty.empty,
    forget.forget,
):
    app.command()(command)

_EXTRAS = {
    "boto3": "cli",
    "botocore": "cli",
    "cryptography": "cli",
    "jinja2": "cli",
    "matplotlib": "cli",
    "msgspec": "cli",
    "numpy": "cli",
    "py3langid": "cli",
    "rensa": "cli",
    "rich": "cli",
    "ministack": "local",
    "jax": "local",
    "tokenizers": "local",
}
"""Import name -> the extra that brings it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    An error is one line on stderr and exit code 1, wrong usage exit code 2, Ctrl-C 130. RFT_DEBUG=1 shows tracebacks.

    Args:
        arguments: The words after `rft`; None: this process's own.

    Returns:
        The exit code.
    """
    if arguments is None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what cleans up after Ctrl-C cleans up after it too
    try:
        return app(args=arguments, prog_name="rft", standalone_mode=False) or 0
    except TyperException as error:
        words = error.format_message()
        if "\n" in words.strip() or not words:  # the help that stands for a missing command
            say(words)
        else:
            say(f"error: {words} (--help shows how)")
        return error.exit_code
    except typer.Abort:
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # the reader is gone: let nothing else be written
        return 1
    except Exception as error:
        if os.environ.get("RFT_DEBUG"):
            raise
        say(f"error: {one_line(error)}")
        return 1


def one_line(error: Exception) -> str:
    """Return what a person can do something with.

    Args:
        error: Anything that a command raised.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package in _EXTRAS:
            return (
                f"{package} is not installed: pip install 'bedrock-rft-constructs[{_EXTRAS[package]}]', or `make setup`"
            )
    if type(error).__module__.startswith("botocore"):
        return " ".join(f"AWS: {error}".split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    words = " ".join(str(error).split()) or "no message"
    expected = type(error).__module__.startswith("rft_") or isinstance(error, ValueError)
    return words if expected else f"unexpected {type(error).__name__}: {words} (RFT_DEBUG=1 shows where)"


if __name__ == "__main__":
    sys.exit(main())
