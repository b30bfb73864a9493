"""`rft reward`: rewards as their authors write and try them, before anything is deployed."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Json
from rft_cli.console import out, print_json

app = typer.Typer(
    name="reward", help="Write a reward and try it on cases, before it is deployed.", no_args_is_help=True
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What recipes will call it.", show_default=False)],
    kind: Annotated[
        str,
        typer.Option(
            help="math, code, json, moderation, agentic, judge, writing, rag, summary, or python for a function.",
            show_default=False,
        ),
    ],
    into: Annotated[Path, typer.Option(help="Folder in which the reward's own is made.")] = Path("rewards"),
) -> None:
    """Write a working example: the reward, completions that it must call good and bad, and what to do next."""
    from rft_cli.reward_template import new_reward

    folder = new_reward(name, kind, into)
    for path in sorted(folder.iterdir()):
        out().print(str(path), markup=False, soft_wrap=True)
    out().print(f"next: rft reward test {folder}", markup=False, soft_wrap=True)


@app.command()
def test(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a reward.", show_default=False)],
    ask_judge: Annotated[
        bool, typer.Option("--ask-judge", help="Ask judge models with this shell's AWS credentials; billed.")
    ] = False,
    json: Json = False,
) -> None:
    """Grade the cases of a reward's folder on this machine, with the code that is deployed. Exit code 1: FAILED."""
    from rft_cli.reward_folder import read_folder
    from rft_cli.reward_screen import trial_json, trial_screen
    from rft_cli.reward_trial import try_folder

    trial = try_folder(read_folder(folder), ask_judge=ask_judge)
    if json:
        print_json(trial_json(trial))
    else:
        out().print(trial_screen(trial))
    raise typer.Exit(0 if trial.passed else 1)
