"""The reward that `rft validate` checks prompts against, wherever it is."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rft_cli.alignment import alignment_readers
from rft_cli.cli_error import CliError
from rft_cli.dataset_check import check_datasets
from rft_cli.recipe_file import read_recipe
from rft_cli.reward_template import new_reward, template_kinds
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_runtime.reward_alias import LIVE
from tests.unit.cli_fakes import OUTPUTS, Bench, bench, write_recipe

__all__ = ["bench"]
TEAMS = RewardSpec(name="routing", grader="label", options={"labels": ["billing", "sales"]})
TOLD = {
    "code": "Write a Python function `double(x)`.",
    "json": "Extract name, item and qty as JSON.",
    "judge": "Anything.",
    "math": "End with #### and the number.",
    "moderation": "Is it safe or unsafe?",
    "python": "Anything.",
    "rag": "Quote the context.",
    "summary": "Summarise in one sentence.",
    "writing": "A story of 60 to 120 words.",
}
"""Kind of reward -> a prompt that tells the form that it reads."""

Codes = Callable[..., list[str]]


@pytest.fixture
def codes(tmp_path: Path) -> Codes:
    """Return what checks a prompt against a reward, and returns the codes of what was found about forms."""

    def check(reward: str | None, prompt: str, **options: Any) -> list[str]:
        row = {"messages": [{"role": "user", "content": prompt}], "reference_answer": "7"}
        path = tmp_path / "train.jsonl"
        path.write_text(json.dumps(row) + "\n")
        readers = alignment_readers(reward, **options)
        assert readers is not None
        found = check_datasets({"train": path}, readers=readers)
        return [finding.code for finding in found.findings if finding.code.endswith("-form")]

    return check


@dataclass
class CodeOfRewards:
    """Lambda that hands out the code of functions."""

    folder: Path
    asked: list[tuple[str, str]] = field(default_factory=list)
    spec: RewardSpec | None = TEAMS

    def get_function(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        self.asked.append((FunctionName, Qualifier))
        path = self.folder / "code.zip"
        with zipfile.ZipFile(path, "w") as code:
            code.writestr("reward.py", "")
            if self.spec:
                code.writestr(FILE_NAME, json.dumps(self.spec.to_json()))
        return {"Configuration": {"CodeSha256": "x"}, "Code": {"Location": path.as_uri()}}


@pytest.fixture
def functions(bench: Bench, tmp_path: Path) -> CodeOfRewards:
    made = CodeOfRewards(tmp_path)
    bench.functions = made  # type: ignore[assignment]  # another side of the same service
    return made


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_a_folder_as_rft_reward_new_writes_it(kind: str, tmp_path: Path, codes: Codes) -> None:
    assert TOLD.keys() | {"agentic"} == set(template_kinds())
    folder = new_reward("mine", kind, tmp_path / "rewards")
    assert codes(str(folder), TOLD[kind]) == []
    if kind not in ("judge", "python"):
        assert "unclear-form" in codes(str(folder), "Anything.")


def test_its_file_alone(tmp_path: Path, codes: Codes) -> None:
    folder = new_reward("mine", "moderation", tmp_path)
    assert codes(str(folder / "reward.yaml"), "Safe or unsafe?") == []
    assert codes(str(folder / "reward.yaml"), "Is it safe?") == ["unclear-form"]


def test_the_canonical_file_of_an_asset(tmp_path: Path, codes: Codes) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(TEAMS.to_json()))
    assert codes(str(path), "billing or sales?") == []
    assert codes(str(path), "Who answers?") == ["unclear-form"]


def test_a_deployed_reward_says_itself_what_it_is(functions: CodeOfRewards, codes: Codes) -> None:
    assert codes("routing", "Who answers?", env="local") == ["unclear-form"]
    assert codes("routing", "billing or sales?", env="local") == []
    assert set(functions.asked) == {(OUTPUTS.rewards["routing"], LIVE)}


def test_a_deployed_reward_of_its_authors_own_wants_nothing(functions: CodeOfRewards, codes: Codes) -> None:
    functions.spec = None
    assert codes("routing", "Who answers?", env="local") == []


def test_the_recipe_names_its_reward(functions: CodeOfRewards, codes: Codes, tmp_path: Path) -> None:
    recipe = read_recipe(write_recipe(tmp_path))
    assert codes(None, "Who answers?", env="local", recipe=recipe) == ["unclear-form"]
    assert functions.asked
    assert alignment_readers(None, recipe=recipe) is None


def test_no_reward_no_readers() -> None:
    assert alignment_readers(None, env="local") is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no/such/folder", None, "no/such/folder"),
        ("reward.yaml", "name: x\n", "range"),
        ("reward.yaml", "name: x\nrange: [0, 1]\ngrader: maths\n", "maths"),
        ("reward.yaml", "name: x\nrange: [0, 1]\ngrader: math\noptions: {separators: martian}\n", "separators"),
        ("reward.yaml", "\t", "not YAML"),
        ("reward.json", "[]", "wanted a mapping"),
        ("reward.json", "{", "reward.json"),
        ("reward.json", '{"name": "x", "grader": "math", "colour": 1}', "colour"),
        ("empty/", None, "neither reward.yaml nor reward.py"),
    ],
)
def test_bad_rewards_are_one_clear_line(name: str, content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(CliError, match=message) as raised:
        alignment_readers(str(path))
    assert "\n" not in str(raised.value)
    assert "reward" in str(raised.value)


def test_an_unknown_deployed_reward_names_the_known_ones(functions: CodeOfRewards) -> None:
    with pytest.raises(CliError, match="it has gsm8k, routing"):
        alignment_readers("nosuch", env="local")
