"""README.md tells what was measured, and its commands exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from rft_cli.main import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "docs/getting-started.md", "docs/hyperparameters.md", "docs/cost.md", "docs/troubleshooting.md")


def fenced(page: str) -> list[str]:
    """Return the lines of a page's shell blocks, without remarks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_the_figures_are_those_of_the_committed_measurement() -> None:
    found = json.loads((ROOT / "benchmarks" / "results" / "demo.json").read_text(encoding="utf-8"))["figures"]["runs"]
    (base,) = {f"{100 * run['base']['accuracy']:.0f}" for run in found}
    gained = [run["candidate"]["accuracy"] for run in found]
    words = f"rose from {base} % to between {100 * min(gained):.0f} and {100 * max(gained):.0f} %"
    assert words in " ".join(README.split())
    assert f"on {found[0]['held_out_prompts']} unseen tickets" in README


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist_with_their_options(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert fenced(page)
    for line in fenced(page):
        words = line.split()
        if words[0] == "make":
            assert words[1] in targets, line
        elif words[0] == "rft":
            assert _options(words[1:]) >= {word for word in words if word.startswith("--")}, line
        else:
            assert line == "source .venv/bin/activate"


@pytest.mark.parametrize("page", PAGES)
def test_files_that_commands_name_exist(page: str) -> None:
    for line in fenced(page):
        for word in line.split():
            if word.startswith(("recipes/", "examples/")):
                assert (ROOT / word).exists(), line


def _options(words: list[str]) -> set[str]:
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    return {option for parameter in command.params for option in parameter.opts}
