"""Starting a reward: a folder with a working example of its kind."""

import shutil
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_contract.reward_file import YAML_NAME
from rft_contract.reward_spec import RewardSpec

_TEMPLATES = Path(__file__).parent / "reward_templates"
_NAME_PLACE = "NAME"


def template_kinds() -> tuple[str, ...]:
    """Return the kinds of rewards that there are examples of."""
    return tuple(sorted(entry.name for entry in _TEMPLATES.iterdir() if (entry / "README.md").is_file()))


def new_reward(name: str, kind: str, into: Path) -> Path:
    """Write a reward's folder.

    Args:
        name: What recipes call the reward, and the folder's name.
        kind: One of `template_kinds`.
        into: Where the folder shall lie.

    Returns:
        The folder.

    Raises:
        CliError: When there is no such kind, the name is illegal, or the folder exists.
    """
    kinds = template_kinds()
    if kind not in kinds:
        raise CliError(f"--kind {kind}: wanted one of {', '.join(kinds)}")
    try:
        RewardSpec(name=name, grader=kind)
    except ValueError as error:
        raise CliError(str(error)) from None
    folder = into / name
    if folder.exists():
        raise CliError(f"{folder} exists; choose another name, or delete it")
    into.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_TEMPLATES / kind, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for written in (folder / YAML_NAME, folder / "README.md"):
        if written.is_file():
            written.write_text(written.read_text(encoding="utf-8").replace(_NAME_PLACE, name), encoding="utf-8")
    return folder
