"""A held-out set that was looked at before: `rft plan` and `rft run` say what that costs the next candidate."""

import json
from pathlib import Path

import pytest

from rft_cli.main import main
from rft_contract.layout import dataset_key
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from tests.unit.cli_fakes import Bench, bench, write_recipe

__all__ = ["bench"]

WORDS = "candidate 3 on this held-out set: the gate asks for 98.33 % confidence"


def looked_at(recipe: Path, bench: Bench, runs: list[str]) -> None:
    """Enter runs into the ledger of a recipe's held-out set."""
    with (recipe.parent / "held_out.jsonl").open("rb") as held_out:
        digest = read_prompt_sizes(held_out).digest
    bench.s3.put(dataset_key(digest, "uses.json"), json.dumps({"runs": runs}).encode())


@pytest.mark.parametrize("command", [["plan"], ["run", "--run-id", "third"]])
def test_earlier_looks_are_told_with_what_they_cost(
    command: list[str], tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path, gate={"live_margin": 0.5})
    looked_at(recipe, bench, ["first", "second"])
    assert main([*command, str(recipe)]) == 0
    captured = capsys.readouterr()
    assert WORDS in " ".join((captured.out + captured.err).split())


def test_a_fresh_held_out_set_is_told_nothing_of(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(write_recipe(tmp_path, gate={"live_margin": 0.5}))]) == 0
    assert "on this held-out set" not in capsys.readouterr().out
