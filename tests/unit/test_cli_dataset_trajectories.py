"""`rft dataset from-trajectories`: a row for each step of recorded runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_cli.main import main
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.record import Unconvertible
from rft_dataset.conversion.trajectory import Step, Trajectories
from rft_rewards.grade import Score
from rft_rewards.sample import Sample
from rft_rewards.tool_calls import tool_calls

CASES = json.loads((Path(__file__).parents[1] / "cases" / "trajectories.json").read_text(encoding="utf-8"))
TOOLS: list[JsonValue] = [
    {
        "type": "function",
        "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object", "properties": {}}},
    }
]
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return what runs the command; it returns exit code, answer, and what was said besides."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def write(path: Path, *runs: JsonObject) -> Path:
    path.write_text("".join(json.dumps(run) + "\n" for run in runs))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def call(number: int, arguments: JsonValue) -> JsonObject:
    return {"id": f"c{number}", "type": "function", "function": {"name": "find", "arguments": json.dumps(arguments)}}


def run_of(name: str, asked: str, results: list[str], **more: JsonValue) -> JsonObject:
    """A run that calls a tool for each result, and answers."""
    messages: list[JsonValue] = [{"role": "user", "content": asked}]
    for number, result in enumerate(results):
        messages.append({"role": "assistant", "content": None, "tool_calls": [call(number, {"page": number})]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": result})
    messages.append({"role": "assistant", "content": "Done."})
    return {"id": name, "tools": TOOLS, "messages": messages, **more}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_runs(case: dict[str, Any], tmp_path: Path, ran: Ran) -> None:
    file, output = write(tmp_path / "runs.jsonl", case["run"]), tmp_path / "steps.jsonl"
    code, _, said = ran("dataset", "from-trajectories", file, "--output", output, *case.get("options", []))
    if "bad" in case:
        assert code == 1
        assert f"{file}:1: {case['bad']}" in said
        assert not output.exists()
        return
    assert (code, said) == (0, "")
    group, first = case.get("group", "r"), case.get("first", 1)
    rows = read(output)
    assert [row["id"] for row in rows] == [f"{group}-step-{first + place}" for place in range(len(case["steps"]))]
    for row, step in zip(rows, case["steps"], strict=True):
        assert row["group"] == group
        assert row["reference_answer"] == {"tool_calls": step["calls"], "content": step["content"]}
        assert len(row["messages"]) == step["turns"]
        assert row["messages"][-1]["role"] != "assistant"
        assert ("tools" in row) == bool({"tools", "toolConfig"} & case["run"].keys())


ARGUMENTS = st.dictionaries(
    st.text(max_size=4),
    st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.booleans(), st.none()),
    max_size=3,
)
STEPS = st.lists(st.tuples(st.text("ab c", max_size=5), st.lists(ARGUMENTS, max_size=3)), min_size=1, max_size=4)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(STEPS)
def test_a_step_gets_the_full_score_for_what_was_done(steps: list[tuple[str, list[JsonObject]]]) -> None:
    messages: list[JsonValue] = [{"role": "user", "content": "Go."}]
    for text, calls in steps:
        said = text if text.strip() or calls else "Well."
        turn: JsonObject = {"role": "assistant", "content": said}
        messages.append(turn | {"tool_calls": [call(place, one) for place, one in enumerate(calls)]} if calls else turn)
        messages.append({"role": "user", "content": "Go on."})
    found = Trajectories(name="n").steps(1, {"messages": messages, "tools": TOOLS})
    assert len(found) == len(steps)
    for step in found:
        assert isinstance(step, Step)
        reference = json.loads(json.dumps(step.row["reference_answer"]))
        graded = tool_calls()(Sample(step.text, reference, tool_calls=step.calls))
        assert isinstance(graded, Score)
        assert graded.value == 1
        other = tool_calls()(Sample(step.text, reference, tool_calls=[*step.calls, call(9, {})]))
        assert isinstance(other, Score)
        assert other.value < 1


def test_what_it_writes_passes_validate_and_split_keeps_runs_together(tmp_path: Path, ran: Ran) -> None:
    words = ["red", "blue", "green", "old", "new", "tall"]
    runs = [
        run_of(
            f"run {number}",
            f"Find {words[number % 6]} thing {number * 13}.",
            [f"page {number} {words[number % 5]}"] * 3,
        )
        for number in range(120)
    ]
    steps = tmp_path / "steps.jsonl"
    code, answer, _ = ran("dataset", "from-trajectories", write(tmp_path / "runs.jsonl", *runs), "--output", steps)
    assert code == 0
    assert "120 runs" in answer
    assert "480 rows in" in answer
    _, answer, _ = ran("validate", steps, "--json")
    assert json.loads(answer)["valid"]
    _, answer, _ = ran("dataset", "split", steps, "--json", "--exact")
    made = json.loads(answer)["splits"]
    assert made["held_out"]["rows"] == 48
    groups = [{row["group"] for row in read(Path(one["file"]))} for one in made.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 120


def test_runs_without_success_are_left_out(tmp_path: Path, ran: Ran) -> None:
    file = write(
        tmp_path / "runs.jsonl",
        run_of("a", "One?", [], success=True),
        run_of("b", "Two?", [], success=False, reward=1),
        run_of("c", "Three?", [], reward=1.0),
        run_of("d", "Four?", [], reward=0.9),
    )
    options = ["--output", tmp_path / "steps.jsonl", "--only-successful", "--json"]
    code, answer, _ = ran("dataset", "from-trajectories", file, *options)
    assert (code, json.loads(answer)["read"]["unsuccessful"]) == (0, 2)
    assert [row["group"] for row in read(tmp_path / "steps.jsonl")] == ["a", "c"]
    code, _, said = ran("dataset", "from-trajectories", file, *options, "--success", "won", "--force")
    assert (code, said.count("\n")) == (1, 1)
    code, answer, _ = ran(
        "dataset", "from-trajectories", file, *options, "--success", "reward", "--force", "--skip-bad"
    )
    assert json.loads(answer)["written"]["first_bad"][0] == {
        "line": 1,
        "why": "the field reward is neither true, false nor a number",
    }
    assert [row["group"] for row in read(tmp_path / "steps.jsonl")] == ["b", "c"]


def test_a_bad_step_is_left_out_alone(tmp_path: Path, ran: Ran) -> None:
    run = run_of("a", "One?", ["x", "y"])
    messages = run["messages"]
    assert isinstance(messages, list)
    messages[1] = {"role": "assistant", "tool_calls": [{"id": "c0", "type": "custom", "custom": {"name": "f"}}]}
    file = write(tmp_path / "runs.jsonl", run)
    code, _, said = ran("dataset", "from-trajectories", file, "--output", tmp_path / "steps.jsonl", "--skip-bad")
    assert code == 0
    assert f"{file}:1: step 1: a call that is no call of a function" in said
    assert [row["id"] for row in read(tmp_path / "steps.jsonl")] == ["a-step-2", "a-step-3"]


def test_ids_are_unique(tmp_path: Path, ran: Ran) -> None:
    file = write(tmp_path / "runs.jsonl", run_of("a", "One?", []), run_of("a", "Two?", []))
    code, _, said = ran("dataset", "from-trajectories", file, "--output", tmp_path / "steps.jsonl")
    assert code == 1
    assert f"{file}:2: the id of line 1" in said


def test_results_are_cut_only_when_asked_and_blank_ones_are_said(tmp_path: Path, ran: Ran) -> None:
    long = "".join(chr(97 + number % 26) for number in range(1000))
    file = write(tmp_path / "runs.jsonl", run_of("a", "x" * 500, [long, " ", "short"], task="t", reference_answer="no"))
    output = tmp_path / "steps.jsonl"
    assert ran("dataset", "from-trajectories", file, "--output", output)[0] == 0
    shown = [turn["content"] for turn in read(output)[-1]["messages"] if turn["role"] == "tool"]
    assert shown == [long, "(no output)", "short"]
    _, answer, _ = ran(
        *("dataset", "from-trajectories", file, "--output", output, "--longest-result", "101", "--force", "--json"),
        *("--keep", "task", "--keep", "reference_answer", "--keep", "id"),
    )
    made = json.loads(answer)
    last = read(output)[-1]
    shown = [turn["content"] for turn in last["messages"] if turn["role"] == "tool"]
    assert shown == [f"{long[:51]}\n[899 characters left out]\n{long[-50:]}", "(no output)", "short"]
    assert (last["task"], last["id"], last["reference_answer"]["content"]) == ("t", "a-step-4", "Done.")
    assert made["read"] == {"runs": 1, "unsuccessful": 0, "answers": 1, "parallel": 0, "results_cut": 1}
    assert 150 < made["written"]["fewest_tokens"] < made["written"]["most_tokens"] < 900


JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=4),
        st.sampled_from(["user", "assistant", "tool", "{}"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "messages",
                    "role",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "name",
                    "toolUse",
                    "toolResult",
                    "text",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool"]), "content": JUNK}, optional={"tool_calls": JUNK}
        ),
        max_size=5,
    )
)
def test_no_run_breaks_the_reading(messages: list[JsonValue]) -> None:
    try:
        found = Trajectories(name="n", longest_result=3).steps(1, {"messages": messages})
    except Unconvertible:
        return
    assert all(isinstance(step, Step | Unconvertible) for step in found)
