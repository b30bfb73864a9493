"""A run from its recipe to its execution: everything is checked before anything leaves this machine."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rft_cli import execution
from rft_cli.cli_error import CliError
from rft_cli.dataset_check import check_datasets, require_valid
from rft_cli.dataset_upload import address_of, upload
from rft_cli.environment import Environment
from rft_contract.json_value import canonical
from rft_contract.naming import check_run_id
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Datasets
from rft_contract.services import REWARD_HASH
from rft_dataset.validation import Split


@dataclass(frozen=True)
class Started:
    """A run that goes on, or went on before.

    Args:
        run_id: The run.
        is_new: Whether it was started now.
    """

    run_id: str
    is_new: bool


def start_run(
    environment: Environment,
    recipe: Recipe,
    folder: Path,
    run_id: str | None = None,
    *,
    before_upload: Callable[[], None] = lambda: None,
) -> str:
    """Check a recipe and its datasets, upload what the environment lacks, start the run.

    Args:
        environment: Where.
        recipe: The recipe.
        folder: Where its relative dataset paths start.
        run_id: What to call it; None: the recipe's line with date and time.
        before_upload: Called once the datasets are known to be valid; what it raises ends everything.

    Returns:
        The run id.

    Raises:
        CliError: Naming what is wrong and where; nothing was uploaded then.
    """
    name = check_run_id(run_id) if run_id else execution.new_run_id(recipe.line)
    execution.start(environment, name, _uploaded(environment, recipe, folder, before_upload))
    return name


def start_once(
    environment: Environment,
    recipe: Recipe,
    folder: Path,
    *,
    before_upload: Callable[[], None] = lambda: None,
) -> Started:
    """Start the one run of a recipe, its data and its reward function as they are, unless there was one before.

    However often it is called, a pipeline starts no second job for the same content. The run keeps its name for as long
    as its record lies in the data bucket. What was run before is not checked again: by now Plan might refuse it.

    Args:
        environment: Where.
        recipe: The recipe.
        folder: Where its relative dataset paths start.
        before_upload: Called once the datasets are known to be valid; what it raises ends everything.

    Raises:
        CliError: Naming what is wrong and where; nothing was uploaded then.
    """
    from rft_runtime.run_record import RunStore

    _require_reward(environment, recipe)
    files = local_files(recipe.datasets, folder)
    addresses: dict[str, str] = {split: address_of(environment, file) for split, file in files.items()}
    name = content_run_id(
        replace(recipe, datasets=recipe.datasets.at(addresses)), deployed_reward_hash(environment, recipe.reward)
    )
    if execution.is_known(environment, name) or RunStore(environment.bucket).find(name) is not None:
        return Started(name, is_new=False)
    execution.start(environment, name, _uploaded(environment, recipe, folder, before_upload))
    return Started(name, is_new=True)


def content_run_id(recipe: Recipe, reward_hash: str) -> str:
    """Return the id that every run of the same content has: the line, and 12 hex digits of a SHA-256.

    What a recipe leaves to its default is left out, so that a later version of the platform, whose recipes can say
    more, starts nothing again.

    Args:
        recipe: With its datasets where they were uploaded: their addresses hold the hashes of their bytes.
        reward_hash: Of the reward function that will grade.
    """
    content = {
        "line": recipe.line,
        "base_model": recipe.base_model,
        "datasets": dict(recipe.datasets.items()),
        "reward": [recipe.reward, reward_hash],
        "decided": recipe.decided(),
    }
    return check_run_id(f"{recipe.line}-{hashlib.sha256(canonical(content).encode()).hexdigest()[:12]}")


def _uploaded(environment: Environment, recipe: Recipe, folder: Path, before_upload: Callable[[], None]) -> Recipe:
    """Check a recipe's datasets, upload what the environment lacks, and return the recipe that names where they lie."""
    _require_reward(environment, recipe)
    files = local_files(recipe.datasets, folder)
    require_valid(check_datasets(files))
    before_upload()
    addresses: dict[str, str] = {split: upload(environment, file, split=split) for split, file in files.items()}
    return replace(recipe, datasets=recipe.datasets.at(addresses))


def _require_reward(environment: Environment, recipe: Recipe) -> None:
    if recipe.reward not in environment.outputs.rewards:
        known = ", ".join(sorted(environment.outputs.rewards)) or "none"
        raise CliError(f"recipe.reward: got {recipe.reward!r}, environment {environment.name} has {known}")


def local_files(datasets: Datasets, folder: Path) -> dict[Split, Path]:
    """Return the datasets that lie on this machine; `s3://` addresses are left out.

    Args:
        datasets: The recipe's.
        folder: Where relative paths start.
    """
    return {
        split: (folder / address).resolve() for split, address in datasets.items() if not address.startswith("s3://")
    }


def deployed_reward_hash(environment: Environment, reward: str) -> str:
    """Return what names a deployed reward function's code; one of another make is known by its package alone.

    Args:
        environment: Where.
        reward: Name of one of its rewards.
    """
    function = environment.outputs.rewards[reward]
    found = environment.aws.functions.get_function_configuration(FunctionName=function)
    return found.get("Environment", {}).get("Variables", {}).get(REWARD_HASH, found["CodeSha256"])
