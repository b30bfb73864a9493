"""`rft demo`: from nothing to a fine-tuned model and its report, on this machine."""

import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.local import DEFAULT_PORT
from rft_cli.commands.run import Out, wait_and_finish
from rft_cli.console import err, out, say

_SHORT_ROWS = 112
"""Training prompts of a shortened demo: the fewest whole batches of 16 that Bedrock's minimum of 100 allows."""


def demo(
    recipe: Annotated[Path | None, typer.Option(help="Recipe. \\[default: recipes/routing.yaml]")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the embedded trainer.")] = 0,
    port: Annotated[int, typer.Option(help="Port of the embedded AWS.", min=1, max=65534)] = DEFAULT_PORT,
    short: Annotated[
        bool, typer.Option("--short", help="Train a few steps only; exit code 0 also when the gate rejects.")
    ] = False,
    shuffle_rewards: Annotated[
        bool, typer.Option("--shuffle-rewards", help="A control: deal each step's rewards out at random.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the embedded AWS running.")] = False,
    out_folder: Out = Path("out"),
) -> None:
    """Deploy to an embedded AWS, fine-tune a real small model, write its report; stop what was started."""
    from rft_cli.first_look import first_look, table
    from rft_cli.local_runs import stop_local_runs
    from rft_local import lifecycle
    from rft_local.project import find_project

    project = find_project()
    project.check_setup()
    out().print(table(first_look()))
    out().print()
    ran_before = lifecycle.running(project) is not None
    if ran_before:
        say("using the embedded AWS that runs already, with its own seed")
    began = time.monotonic()
    with err().status("embedded AWS") as spinner:
        state = lifecycle.up(
            project,
            port=port,
            bedrock_port=port + 1,
            seed=seed,
            deploy=True,
            settings=["--shuffle-rewards"] if shuffle_rewards else [],
            tell=lambda words: spinner.update(f"embedded AWS: {words}") if err().is_terminal else say(words),
        )
    say(f"deployed {', '.join(state.stacks)} to http://127.0.0.1:{state.port} in {time.monotonic() - began:.0f} s")
    try:
        _train(recipe or project.root / "recipes" / "routing.yaml", out_folder, short)
    finally:
        if not keep and not ran_before:
            stop_local_runs("rft demo ended")
            lifecycle.down(project)
            say("the embedded AWS is stopped; `rft local up` starts it again, `rft demo --keep` leaves it running")
            say(_cost(time.monotonic() - began))


def _cost(seconds: float) -> str:
    """Say what the demo took; complete once the embedded AWS, a child of this process, has ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in spent)
    return f"took {seconds:.0f} s, {cpu:.0f} CPU-seconds"


def _train(path: Path, out_folder: Path, short: bool) -> None:
    from rft_cli.environment import LOCAL, open_environment
    from rft_cli.recipe_file import read_recipe
    from rft_cli.run_start import local_files, start_run

    environment = open_environment(LOCAL, None)
    recipe = read_recipe(path)
    with tempfile.TemporaryDirectory(prefix="rft-demo-") as folder:
        if short:
            train = local_files(recipe.datasets, path.parent)["train"]
            shortened = Path(folder) / "train.jsonl"
            with train.open("rb") as lines:
                shortened.write_bytes(b"".join(line for _, line in zip(range(_SHORT_ROWS), lines, strict=False)))
            recipe = replace(recipe, datasets=replace(recipe.datasets, train=str(shortened)))
        run_id = start_run(environment, recipe, path.parent)
    say(f"run {run_id}")
    wait_and_finish(environment, run_id, out_folder, decided_is_enough=short, stop_on_interrupt=True)
