"""A run from its recipe to its execution: everything is checked before anything leaves this machine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rft_cli import execution
from rft_cli.cli_error import CliError
from rft_cli.dataset_check import check_datasets, require_valid
from rft_cli.dataset_upload import upload
from rft_cli.environment import Environment
from rft_contract.naming import check_run_id
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Datasets
from rft_dataset.validation import Split


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
    if recipe.reward not in environment.outputs.rewards:
        known = ", ".join(sorted(environment.outputs.rewards)) or "none"
        raise CliError(f"recipe.reward: got {recipe.reward!r}, environment {environment.name} has {known}")
    files = local_files(recipe.datasets, folder)
    require_valid(check_datasets(files))
    before_upload()
    addresses: dict[str, str] = {split: upload(environment, file, split=split) for split, file in files.items()}
    execution.start(environment, name, replace(recipe, datasets=recipe.datasets.at(addresses)))
    return name


def local_files(datasets: Datasets, folder: Path) -> dict[Split, Path]:
    """Return the datasets that lie on this machine; `s3://` addresses are left out.

    Args:
        datasets: The recipe's.
        folder: Where relative paths start.
    """
    return {
        split: (folder / address).resolve() for split, address in datasets.items() if not address.startswith("s3://")
    }
