"""The examples, tables and commands of docs/rewards.md, executed."""

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from benchmarks.service_fakes import FakeJudge, FakeRunner
from rft_cli.main import app
from rft_contract.graders import GRADERS
from rft_contract.reward_file import read_reward
from rft_contract.reward_spec import RewardSpec
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Invalid, Score
from rft_rewards.registry import build
from rft_rewards.sample import Sample
from rft_runtime.grading import grade_batch

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")


def services() -> dict[str, object]:
    """Return what graders may ask for; the deadline counts from now."""
    return {"deadline": Deadline(), "runner": FakeRunner(), "judge": FakeJudge(praised="")}


OPTIONS: dict[str, Any] = {"numeric": {"rel": 0.01, "marker": "ANSWER:"}}


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def table(first_heading: str) -> list[list[str]]:
    """Return the cells of a table's rows."""
    lines = PAGE[PAGE.index(f"| {first_heading} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def code(cell: str) -> str:
    """Return the text that a cell shows: pieces in backquotes, each perhaps times a number."""
    pieces = re.findall(r"`([^`]+)`(?: × (\d+))?", cell)
    return "".join(piece * int(times or 1) for piece, times in pieces)


@pytest.fixture(autouse=True)
def author_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay the page's Python where `own` finds it."""
    (source,) = fenced("python")
    (tmp_path / "reward.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "reward", raising=False)


def test_the_table_has_every_grader_once_and_each_line_of_yaml_is_one() -> None:
    rows = table("grader")
    assert [code(row[0]) for row in rows] == list(dict.fromkeys(code(row[0]) for row in rows))
    assert {code(row[0]) for row in rows} == set(GRADERS)
    for row in rows:
        spec = read_reward({"name": "mine", "range": [0, 1], **yaml.safe_load(code(row[4]))})
        assert spec.grader == code(row[0])
        assert build(spec, services())


def test_the_rewards_of_the_page_can_be_read_and_built() -> None:
    examples = fenced("yaml")
    assert len(examples) == 2
    for example in examples:
        assert build(read_reward(yaml.safe_load(example)), services())


def test_the_python_of_the_page_grades() -> None:
    names: dict[str, Any] = {}
    exec(compile(fenced("python")[0], "docs/rewards.md", "exec"), names)
    score = names["score"]
    assert score(Sample("The bridge", "the old Bridge")) == Score(2 / 3, "words of the reference", {"words": 2.0})
    assert score(Sample("", "a b")).value == 0
    assert score(Sample("a", None)) == score(Sample("a", " ")) == Invalid("reference-not-a-text")
    item: Any = {"id": "a", "messages": [{"role": "assistant", "content": "b a"}], "reference_answer": "a b"}
    (entry,) = grade_batch(RewardSpec(name="mine", grader="own", floor=-1.0), [item], services())
    assert entry["aggregate_reward_score"] == 1.0


def test_ours_beside_public_graders() -> None:
    rows = table("completion")
    assert len(rows) > 15
    for completion, reference, grader, _, ours, _ in rows:
        name = code(grader)
        wanted: Any = yaml.safe_load(code(reference)) if reference.startswith("`{") else code(reference)
        item: Any = {
            "id": "a",
            "messages": [{"role": "assistant", "content": code(completion)}],
            "reference_answer": wanted,
        }
        spec = RewardSpec(name="mine", grader=name, options=OPTIONS.get(name, {}))
        (entry,) = grade_batch(spec, [item], services())
        assert entry["aggregate_reward_score"] == float(ours), completion
        assert {"name": "invalid", "value": 0.0, "type": "Metric"} in entry["metrics_list"], completion  # type: ignore[operator]


def test_the_commands_of_the_page_exist_with_their_options() -> None:
    lines = re.findall(r"^rft (.*?)(?:  +#.*)?$", "\n".join(fenced("bash")), flags=re.MULTILINE)
    assert len(lines) >= 4
    group = typer.main.get_command(app)
    for line in lines:
        words = line.split(" < ")[0].split()
        command: Any = group
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_limits_that_the_page_names_are_the_real_ones() -> None:
    from rft_runtime import grading

    assert "at most 16 of them, finite, with names of one line of at most 64 characters" in " ".join(PAGE.split())
    assert (grading._MOST_COMPONENTS, grading._LONGEST_NAME) == (16, 64)
    from bedrock_rft import RftAlarms

    assert "more than 5 % are" in PAGE
    assert inspect.signature(RftAlarms.__init__).parameters["invalid_percent"].default == 5


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
