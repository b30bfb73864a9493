"""A recipe as people write it: a YAML file, with dataset paths beside it."""

from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.yaml_file import read_yaml
from rft_contract.recipe import Recipe


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Args:
        path: A YAML file.

    Raises:
        CliError: Naming the file, the key or line, what it holds and what it should.
    """
    value = read_yaml(path, "recipe")
    try:
        return Recipe.from_json(value)
    except ValueError as error:
        raise CliError(f"recipe {path}: {error}") from None
