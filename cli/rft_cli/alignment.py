"""The reward that datasets are checked against, wherever it is: in a folder, in a file, or deployed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.reward_folder import read_spec
from rft_cli.yaml_file import read_yaml
from rft_contract.recipe import Recipe
from rft_contract.reward_file import YAML_NAME, read_reward
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_dataset.checking import Source
from rft_dataset.row_reader import RowReader
from rft_runtime.certification.deployed_reward import deployed_subject
from rft_runtime.prompt_alignment import aligned_to
from rft_runtime.reward_alias import LIVE

Readers = Callable[[Source], Sequence[RowReader]]
"""What `check_datasets` takes: further readers for a dataset."""


def alignment_readers(
    reward: str | None, *, env: str | None = None, stack: str | None = None, recipe: Recipe | None = None
) -> Readers | None:
    """Return readers that ask of each prompt whether it tells the model the form that a reward reads.

    Args:
        reward: A reward's folder, its `reward.yaml` or `reward.json`, or the name of a deployed one. None: the
            recipe's, where an environment is named in which it is deployed.
        env: The environment; None: `local`, unless a stack is named.
        stack: Name of its stack.
        recipe: The run's.

    Returns:
        The readers; None when no reward is named.

    Raises:
        CliError: When there is no such reward, or it says something that cannot be.
    """
    if reward is None and recipe is not None and (env or stack):
        reward = recipe.reward
    if reward is None:
        return None
    spec = _written(Path(reward)) if _is_path(reward) else _deployed(reward, env, stack)
    try:
        return aligned_to(spec)
    except ValueError as error:
        raise CliError(f"--reward {reward}: {error}") from None


def _is_path(reward: str) -> bool:
    """Whether a reward is named by where it lies: a deployed one has neither slashes nor dots in its name."""
    return "/" in reward or "." in reward or Path(reward).is_dir()


def _written(path: Path) -> RewardSpec:
    """Return the reward that a folder or a file describes."""
    if path.is_dir():
        return read_spec(path)
    if path.name == FILE_NAME or path.suffix == ".json":
        try:
            return RewardSpec.from_json(json.loads(path.read_bytes()))
        except OSError as error:
            raise CliError(f"--reward {path}: {error.strerror or error}") from None
        except (ValueError, RecursionError) as error:
            raise CliError(f"--reward {path}: {error}") from None
    try:
        return read_reward(read_yaml(path, "reward"))
    except ValueError as error:
        raise CliError(f"--reward {path}: {error}") from None


def _deployed(reward: str, env: str | None, stack: str | None) -> RewardSpec | None:
    """Return what a deployed reward's own code says that it is made of; None when it is its author's code."""
    from rft_cli.environment import open_environment

    environment = open_environment(env, stack)
    functions = environment.outputs.rewards
    if reward not in functions:
        known = ", ".join(sorted(functions))
        raise CliError(
            f"--reward {reward}: unknown in environment {environment.name}; it has {known}; "
            f"a folder is named by its path, such as ./{reward} with its {YAML_NAME}"
        )
    return deployed_subject(
        environment.aws.functions,
        functions[reward],
        LIVE,
        reward=reward,
        environment=environment.name,
        direct=environment.is_local,
    ).spec
