"""`rft plan` and `rft preflight`: what a run would use, and what it would meet, before anything is spent."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import err, out, print_json, say


def plan(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, YAML.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Tell what a run would use, as ranges, and the smallest gain that its gate can show. Starts and uploads nothing.

    Exit code 0: the run would be allowed; 1: Plan would refuse it; 3: with warnings.
    """
    from rft_cli.environment import open_environment
    from rft_cli.recipe_file import read_recipe
    from rft_cli.run_plan import expectation, lines, warnings_of
    from rft_contract.outcomes import RunEnded

    parsed = read_recipe(recipe)
    environment = open_environment(env, stack)
    with err().status("reading the datasets"):
        expected = expectation(environment, parsed, recipe.parent)
    refusal = None
    try:
        expected = expected.check(parsed)
    except RunEnded as error:
        refusal = f"{error.outcome}: {error}"
    if json:
        print_json({"estimate": expected.estimate, "gate": expected.gate_power, "refused": refusal})
    else:
        for line in lines(expected):
            out().print(line, soft_wrap=True)
        for assumption in expected.estimate.assumptions:
            out().print(f"- {assumption}", style="dim", markup=False, soft_wrap=True)
    if refusal:
        say(f"error: {refusal}")
    raise typer.Exit(1 if refusal else 3 if list(warnings_of(expected)) else 0)


def preflight(
    env: Env = None,
    stack: Stack = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Check only what its run needs. [default: every reward and model]")
    ] = None,
    json: Json = False,
) -> None:
    """Look whether an environment has what runs need: models, quotas, the role, bucket, key, reward functions.

    Asks with your own credentials. Exit code 0: nothing worse than unknown; 1: no run can go well; 3: warnings.
    """
    from rft_cli.environment import open_environment
    from rft_cli.preflight import lines, look
    from rft_cli.recipe_file import read_recipe
    from rft_runtime.preflight.finding import Severity

    parsed = read_recipe(recipe) if recipe else None
    environment = open_environment(env, stack)
    with err().status("preflight") as spinner:
        found = look(environment, parsed, lambda name: spinner.update(f"preflight: {name}"))
    if json:
        print_json(found)
    else:
        for line in lines(found):
            out().print(line, soft_wrap=True)
    severities = {finding.severity for finding in found}
    raise typer.Exit(1 if Severity.ERROR in severities else 3 if Severity.WARNING in severities else 0)
