"""`rft release verify`, `export` and `public-key`: the signed evidence of releases."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say
from rft_contract.naming import RUN_ID

_Release = Annotated[int | None, typer.Option("--release", min=1, help="Number. \\[default: the live release]")]


def verify(
    what: Annotated[
        str, typer.Argument(metavar="LINE|FILE", help="A model line, or a file that `rft release export` wrote.")
    ],
    env: Env = None,
    stack: Stack = None,
    release: _Release = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="The public key that you keep. \\[default: ask the environment's KMS]", dir_okay=False),
    ] = None,
    line: Annotated[str | None, typer.Option(help="The line that a FILE must be of.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe that must have been released, with its data.", dir_okay=False)
    ] = None,
    reward_sha256: Annotated[str | None, typer.Option(help="The reward that it must have been trained with.")] = None,
    current_reward: Annotated[
        bool, typer.Option("--current-reward", help="It must have been trained with the recipe's reward as it is now.")
    ] = False,
    newer_than: Annotated[int | None, typer.Option(min=0, help="A release that it must come after.")] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Read datasets, report and reward again where they lie.")
    ] = False,
    json: Json = False,
) -> None:
    """Verify the signed evidence of a release. Exit code 1 when a check fails; each says what to do."""
    from rft_cli.environment import open_environment
    from rft_cli.release_checks import Verdict
    from rft_cli.release_verification import Wanted, key_to_believe, table, verify_file, verify_in_place

    is_file = RUN_ID.fullmatch(what) is None  # whatever has the form of a line is one, also beside a file of that name
    wanted = Wanted(
        line=line if is_file else what,
        number=release,
        newer_than=newer_than,
        recipe=recipe,
        reward_sha256=reward_sha256,
        current_reward=current_reward,
        sources=sources,
    )
    if is_file and (sources or current_reward):
        raise typer.BadParameter("--sources and --current-reward read an environment: give a LINE")
    if current_reward and (recipe is None or reward_sha256):
        raise typer.BadParameter("--current-reward wants --recipe, which names the reward, and no --reward-sha256")
    if is_file:
        needs = public_key is None and (env or stack)
        verified = verify_file(
            Path(what), key_to_believe(public_key, open_environment(env, stack) if needs else None), wanted
        )
    else:
        environment = open_environment(env, stack)
        with progress(f"verifying {what}"):
            verified = verify_in_place(environment, key_to_believe(public_key, environment), wanted)
    failures = sum(check.verdict is Verdict.FAILED for check in verified.checks)
    if json:
        print_json({"verified": not failures, "release": verified.statement, "checks": verified.checks})
    else:
        out().print(table(verified.checks))
    if failures:
        say(f"error: {failures} of {len(verified.checks)} checks failed")
        raise typer.Exit(1)


def export(
    line: Annotated[str, typer.Argument(metavar="LINE", help="Model line.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    release: _Release = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File. \\[default: LINE-NUMBER.evidence.json]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    json: Json = False,
) -> None:
    """Write a release's evidence to one file, which a holder of the public key can verify without anything else."""
    from rft_cli.environment import open_environment
    from rft_cli.new_file import check_new, new_file
    from rft_cli.release_verification import export as read

    number, body = read(open_environment(env, stack), line, release)
    path = output or Path(f"{line}-{number}.evidence.json")
    check_new(path, force=force)
    with new_file(path) as file:
        file.write(body)
    if json:
        print_json({"line": line, "release": number, "file": str(path)})
    else:
        out().print(str(path), markup=False, soft_wrap=True)


def public_key(env: Env = None, stack: Stack = None) -> None:
    """Print the public key of an environment's releases, to be kept where they are verified."""
    from rft_cli.environment import open_environment
    from rft_cli.pinned_key import ask_for_key

    typer.echo(ask_for_key(open_environment(env, stack)).to_text(), nl=False)
