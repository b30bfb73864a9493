"""A reward's folder on this machine: `reward.yaml` or `reward.py`, and `cases.json`."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.yaml_file import read_yaml
from rft_contract.reward_file import YAML_NAME, read_reward
from rft_contract.reward_spec import RewardSpec
from rft_runtime.certification.cases import Cases, read_cases

CASES_NAME = "cases.json"
OWN_NAME = "reward.py"


@dataclass(frozen=True)
class RewardFolder:
    """What a folder holds.

    Args:
        path: The folder.
        spec: What the reward is made of.
        cases: Completions that its author calls good and bad.
    """

    path: Path
    spec: RewardSpec
    cases: Cases

    @contextmanager
    def on_path(self) -> Iterator[None]:
        """Let Python find the author's modules, as it does in the deployed function."""
        folder = str(self.path.resolve())
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        before = set(sys.modules)
        try:
            yield
        finally:
            sys.path.remove(folder)
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
                    del sys.modules[name]


def read_folder(path: Path) -> RewardFolder:
    """Read a reward's folder.

    Args:
        path: The folder.

    Raises:
        CliError: When a file is missing, or says something that cannot be.
    """
    if not path.is_dir():
        raise CliError(f"reward {path}: no such folder; `rft reward new` makes one")
    return RewardFolder(path, read_spec(path), _cases(path / CASES_NAME))


def read_spec(path: Path) -> RewardSpec:
    """Return what a folder's reward is made of.

    Args:
        path: The folder.

    Raises:
        CliError: When it holds no reward, or one that says something that cannot be.
    """
    if not (path / YAML_NAME).is_file():
        if not (path / OWN_NAME).is_file():
            raise CliError(f"reward {path}: neither {YAML_NAME} nor {OWN_NAME} lies in it")
        try:
            return RewardSpec(name=path.resolve().name, grader="own")
        except ValueError as error:
            raise CliError(f"reward {path}: {error}; the folder's name is the reward's") from None
    value = read_yaml(path / YAML_NAME, "reward")
    try:
        return read_reward(value)
    except ValueError as error:
        raise CliError(f"reward {path / YAML_NAME}: {error}") from None


def _cases(path: Path) -> Cases:
    """Return the author's cases."""
    try:
        return read_cases(path.read_bytes())
    except OSError as error:
        raise CliError(f"cases {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise CliError(f"{path}: {error}") from None
