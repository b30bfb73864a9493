"""What a run would use and what its gate could show, worked out on this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from botocore.exceptions import ClientError
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.console import err, say
from rft_cli.environment import Environment
from rft_cli.plan_facts import plan_facts
from rft_cli.run_start import local_files
from rft_contract.outcomes import RunFailed
from rft_contract.recipe import Recipe
from rft_dataset.reading import DamagedGzip
from rft_runtime.base_models import base_model
from rft_runtime.grader_metrics import grader_time
from rft_runtime.held_out_ledger import HeldOutLedger
from rft_runtime.planning.expectation import Expectation, expect, require_different
from rft_runtime.planning.prompt_sizes import PromptSizes, read_prompt_sizes
from rft_runtime.releases.release_store import ReleaseStore
from rft_runtime.shards import HELD_OUT


def expectation(environment: Environment, recipe: Recipe, folder: Path) -> Expectation:
    """Return what is to be expected of a run, as Plan would find it.

    Args:
        environment: Where it would run.
        recipe: The recipe.
        folder: Where its relative dataset paths start.

    Raises:
        CliError: When a dataset cannot be read, or the environment's workflow is of another version.
        RunFailed: When the environment does not have the recipe's reward, or its Region not the base model; and as
            `require_units`.
        InvalidDataset: When two datasets are the same.
    """
    if recipe.reward not in environment.outputs.rewards:
        known = ", ".join(sorted(environment.outputs.rewards)) or "none"
        raise RunFailed(f"recipe.reward: got {recipe.reward!r}, environment {environment.name} has {known}")
    try:
        base_model(recipe.base_model, environment.outputs.state_machine_arn.split(":")[3])
    except ValueError as error:
        raise RunFailed(str(error)) from None
    facts = plan_facts(environment)
    sizes = _sizes(environment, recipe, folder)
    require_different(sizes)
    now = datetime.now(UTC)
    current = ReleaseStore(environment.bucket, facts.settings.environment).current(recipe.line)
    return expect(
        recipe,
        sizes,
        facts,
        has_live=current.live is not None,
        looks=HeldOutLedger(environment.bucket, sizes[HELD_OUT].digest).looks(""),
        today=now.date(),
        time=grader_time(
            environment.aws.cloudwatch,
            environment=facts.settings.environment,
            reward=recipe.reward,
            facts=facts.resources.facts_of(recipe.reward),
            now=now,
        ),
    )


def foretell(environment: Environment, recipe: Recipe, folder: Path) -> None:
    """Tell what a run may use before anything is uploaded, and refuse what Plan would refuse.

    What cannot be worked out here, for want of a right to read it, is said, and left to Plan.

    Args:
        environment: Where it would run.
        recipe: The recipe.
        folder: Where its relative dataset paths start.

    Raises:
        RunEnded: With Plan's reason.
    """
    try:
        expected = expectation(environment, recipe, folder)
    except CliError as error:
        say(f"no estimate here: {error}; the run's Plan makes one")
        return
    for line in lines(expected.check(recipe)):
        err().print(line, soft_wrap=True)


def lines(expected: Expectation) -> Iterator[Text]:
    """Yield an expectation for a terminal, one line a number."""
    told = [*expected.estimate.lines(), ("gate", expected.gate_power.words())]
    for name, words in told:
        yield Text.assemble((f"{name:<21}", "dim"), words)
    for words in warnings_of(expected):
        yield Text.assemble((f"{'warning':<21}", "yellow"), words)


def warnings_of(expected: Expectation) -> Iterator[str]:
    """Yield what a person should be warned of."""
    yield from expected.estimate.warnings
    yield from expected.gate_power.warnings


def _sizes(environment: Environment, recipe: Recipe, folder: Path) -> dict[str, PromptSizes]:
    """Return the sizes of every dataset."""
    local = {str(split): path for split, path in local_files(recipe.datasets, folder).items()}
    sizes = {}
    for split, address in recipe.datasets.items():
        try:
            with _opened(environment, local.get(split), address) as source:
                sizes[split] = read_prompt_sizes(source)
        except ClientError as error:
            raise CliError(f"datasets.{split}: {address} cannot be read: {error}") from None
        except OSError as error:
            raise CliError(f"datasets.{split}: {address}: {error.strerror or error}") from None
        except (DamagedGzip, ValueError) as error:
            raise CliError(f"datasets.{split}: {address}: {error}") from None
    return sizes


def _opened(environment: Environment, path: Path | None, address: str) -> BinaryIO:
    return path.open("rb") if path else environment.bucket.open(environment.bucket.key_of(address))
