"""`rft forget`: where a prompt lies in an environment, which models learned from it, and deleting the copies."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say

if TYPE_CHECKING:
    from rft_cli.prompt_traces import Traces

_NOT_LOOKED_AT = (
    "older versions of replaced objects (they expire), the bucket's copies elsewhere, the invocation logs and "
    "applications of your account, files that people downloaded"
)


def forget(
    prompt_id: Annotated[
        list[str] | None, typer.Option("--prompt-id", help="Field `id` of a row; may be given several times.")
    ] = None,
    prompt_file: Annotated[
        Path | None, typer.Option("--prompt-file", help="Rows, JSON Lines: whatever asks the same.", dir_okay=False)
    ] = None,
    env: Env = None,
    stack: Stack = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete every version of the copies.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Name the datasets, runs, rollouts and models that contain a prompt; --delete deletes the objects.

    A model that was trained with it cannot forget it: train it again without the prompt, or delete it. Exit code 0:
    nothing contains it; 3: something does; 1: something could not be read.
    """
    from rft_cli.cli_error import CliError
    from rft_cli.environment import open_environment
    from rft_cli.erasing import erase
    from rft_cli.prompt_search import find_traces
    from rft_cli.prompt_traces import Wanted

    wanted = Wanted.read(prompt_id or (), prompt_file)
    environment = open_environment(env, stack)
    with progress(f"looking through {environment.outputs.bucket}") as tell:
        found = find_traces(environment, wanted, tell)
    going = [copy for copy in found.copies if copy.kept is None]
    deleted: list[str] = []
    if delete and going:
        asked = f"Delete {len(going)} objects of {environment.name} for good, with all other rows in them?"
        if not yes and not sys.stdin.isatty():
            raise CliError(f"{asked} Say --yes")
        if not yes:
            _tell(found)
            typer.confirm(asked, abort=True, err=True)
        with progress("deleting") as tell:
            deleted = erase(environment, going, tell)
    if json:
        print_json(
            {
                "copies": found.copies,
                "models": found.models,
                "unread": found.unread,
                "objects": found.looked_at,
                "deleted": deleted,
                "not_looked_at": _NOT_LOOKED_AT,
            }
        )
    else:
        _tell(found)
        for key in deleted:
            out().print(f"deleted: {key}", markup=False, soft_wrap=True)
    left = found.models or len(deleted) < len({copy.key for copy in found.copies})
    raise typer.Exit(1 if found.unread else 3 if left else 0)


def _tell(found: "Traces") -> None:
    """Print what was found for a person."""
    for copy in found.copies:
        where = f", lines {', '.join(map(str, copy.lines[:10]))}" if copy.lines else ""
        more = f" and {len(copy.lines) - 10} more" if len(copy.lines) > 10 else ""
        stays = f" (stays: {copy.kept})" if copy.kept else ""
        out().print(f"{copy.kind}: {copy.key}{where}{more}{stays}", markup=False, soft_wrap=True)
    for model in found.models:
        release = f", release {model.release} of line {model.line}" if model.release else ""
        live = ", LIVE" if model.live else ""
        out().print(f"model: {model.arn} of run {model.run_id}{release}{live}", markup=False, soft_wrap=True)
    if found.models:
        say(f"{len(found.models)} models were trained with it: delete each, or train it again without the prompt")
    for problem in found.unread:
        say(f"could not be read: {problem}")
    if not found.copies:
        say(f"{found.looked_at:,} objects were read, and none contains it")
    say(f"not looked at: {_NOT_LOOKED_AT}")
