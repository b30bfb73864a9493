"""`rft release`: what is live on each model line, what it was made of, and putting an earlier release back."""

import sys
from typing import Annotated

import typer

from rft_cli.commands import release_evidence
from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say

app = typer.Typer(
    name="release", help="Releases of model lines: list, show, verify, export, roll back.", no_args_is_help=True
)
for command in (release_evidence.verify, release_evidence.export, release_evidence.public_key):
    app.command(command.__name__.replace("_", "-"))(command)

Line = Annotated[str, typer.Argument(metavar="LINE", help="Model line, as recipes name it.", show_default=False)]


@app.command("list")
def list_(
    line: Annotated[
        str | None, typer.Argument(metavar="[LINE]", help="Model line. \\[default: what is live on every line]")
    ] = None,
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """List a line's releases, newest first, or what is live on every line."""
    from rft_cli.environment import open_environment
    from rft_cli.releases import list_releases, table

    environment = open_environment(env, stack)
    found = list_releases(environment, line)
    if json:
        print_json(found)
    elif found:
        out().print(table(found))
    else:
        where = f"line {line}" if line else "any line"
        where += f" in environment {environment.name}"
        say(f"nothing was promoted on {where}; a recipe with `promote: true` does that")


@app.command()
def show(
    line: Line,
    number: Annotated[
        int | None, typer.Argument(metavar="[RELEASE]", help="Number of the release. \\[default: the live one]", min=1)
    ] = None,
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Show what a release was made of and judged by: its manifest."""
    from rft_cli.environment import open_environment
    from rft_cli.releases import details, find_release

    release = find_release(open_environment(env, stack), line, number)
    if json:
        print_json(release)
    else:
        out().print(details(release))


@app.command()
def rollback(
    line: Line,
    to: Annotated[
        int | None,
        typer.Option("--to", help="Number of the release. \\[default: the one that the live one replaced]", min=1),
    ] = None,
    env: Env = None,
    stack: Stack = None,
    reason: Annotated[str, typer.Option(help="Why, for the line's history.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Make an earlier release serve again, through the same deployment. Applications need do nothing."""
    from rft_cli.cli_error import CliError
    from rft_cli.environment import open_environment
    from rft_cli.rollback import roll_back

    environment = open_environment(env, stack)
    if not environment.is_local and not yes:
        what = f"release {to}" if to else "the previous release"
        if not sys.stdin.isatty():
            raise CliError(f"environment {environment.name}: say --yes to make {what} of line {line} live")
        typer.confirm(f"Make {what} of line {line} live in {environment.name}?", abort=True, err=True)
    try:
        with progress(f"rolling back {line}") as tell:
            done = roll_back(environment, line, to=to, reason=reason, tell=tell)
    except KeyboardInterrupt:
        say(f"the rollback of {line} goes on by itself; see: rft release list {line} {environment.option}")
        raise typer.Exit(130) from None
    if json:
        print_json({"line": line, "release": done.release, "environment": environment.name})
    else:
        out().print(f"release {done.release} of line {line} is live", markup=False)
