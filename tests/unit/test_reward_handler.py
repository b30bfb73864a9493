"""The reward function as Lambda calls it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.metrics import NAMESPACE
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_handlers import reward
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.sample import Sample
from rft_runtime.answered_events import AnsweredEvents
from rft_runtime.grading import TransientFailure, invalid_reason
from rft_runtime.judge_usage import JudgeUsage

ARN = "arn:aws:lambda:us-east-1:123456789012:function:dev-gsm8k"
LAMBDA = Path(__file__).parents[2] / "lambda"


@dataclass(frozen=True)
class Context:
    invoked_function_arn: str = f"{ARN}:run-demo-1"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture(autouse=True)
def asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Lay out an asset with one reward, and forget the one read before."""
    spec = RewardSpec(name="gsm8k", grader="math", floor=-1.0, ceiling=1.0)
    (tmp_path / FILE_NAME).write_text(json.dumps(spec.to_json()))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.setenv("RFT_ENVIRONMENT", "dev")
    monkeypatch.setattr(reward, "_ANSWERED", AnsweredEvents())
    cached = reward._reward
    cached.cache_clear()
    yield tmp_path
    cached.cache_clear()


def sample(name: str, completion: str, **more: JsonValue) -> JsonObject:
    turns: list[JsonValue] = [
        {"role": "user", "content": "canary question"},
        {"role": "assistant", "content": completion},
    ]
    return {"id": name, "messages": turns, "metadata": {"reference_answer": "canary #### 72", **more}}


def test_ids_are_echoed_in_order_with_the_rewards_floor_and_ceiling() -> None:
    response = reward.handler([sample("b", "#### 72"), sample("a", "#### 5"), {"id": "c"}], Context())
    assert [(entry["id"], entry["aggregate_reward_score"]) for entry in response] == [("b", 1), ("a", -1), ("c", -1)]
    assert [invalid_reason(entry) is None for entry in response] == [True, True, False]


def test_metrics_are_printed_for_the_aliass_run_and_hold_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    reward.handler([sample("b", "canary #### 72"), sample("a", "#### 5")], Context())
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    assert (document["Run"], document["Environment"], document["TrainingReward"]) == ("demo-1", "dev", [1.0, -1.0])
    assert "canary" not in line


def test_no_completion_and_no_name_in_a_row_writes_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    forged = '{"_aws":{"Timestamp":0,"CloudWatchMetrics":[{"Namespace":"Forged"}]},"TrainingReward":1}'
    hostile = f"#### 72\n{forged}\r{forged}\u2028{forged}\x1b[2J"
    mark: JsonObject = {"run": f"a-1\n{forged}", "split": "train", "row": 0}
    reward.handler([sample(hostile, hostile, rft=mark, label=hostile), {"id": hostile, "messages": hostile}], Context())
    lines = capsys.readouterr().out.split("\n")
    assert lines.pop() == ""
    assert lines
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert [one["Namespace"] for one in json.loads(line)["_aws"]["CloudWatchMetrics"]] == [NAMESPACE]


def test_the_platforms_own_calls_print_what_they_cost_and_no_curve(capsys: pytest.CaptureFixture[str]) -> None:
    mark: JsonObject = {"run": "demo-1", "split": "held_out", "row": 0, "phase": "base"}
    reward.handler([sample("b", "#### 72", rft=mark)], Context())
    (line,) = capsys.readouterr().out.splitlines()
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["RolloutMilliseconds"]


def test_an_event_that_comes_again_is_answered_alike_and_counted_once(capsys: pytest.CaptureFixture[str]) -> None:
    event: list[JsonValue] = [sample("b", "#### 72"), sample("a", "#### 5")]
    first, second = reward.handler(event, Context()), reward.handler(event, Context())
    assert first == second
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document.get("Graded") for document in documents] == [2, None]
    assert [document.get("Regraded") for document in documents] == [None, 2]


def test_an_event_that_must_be_retried_is_counted_before_it_raises_and_graded_anew(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(sample: Sample) -> Grade:
        return Invalid("judge-throttled", transient=True)

    ready = reward._reward()
    monkeypatch.setattr(reward, "_reward", lambda: ready._replace(grader=throttled))
    with pytest.raises(TransientFailure):
        reward.handler([sample("b", "#### 72")], Context())
    monkeypatch.setattr(reward, "_reward", lambda: ready)
    reward.handler([sample("b", "#### 72")], Context())
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document.get("Unanswered") for document in documents] == [1, None]
    assert [document.get("Graded") for document in documents] == [None, 1]


def test_what_a_judge_was_asked_for_an_event_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = SimpleNamespace(usage=JudgeUsage(requests=7, tokens_in=700, tokens_out=70))

    def asking(sample: Sample) -> Grade:
        judge.usage.requests += 1
        judge.usage.tokens_in += 500
        judge.usage.tokens_out += 20
        return Score(1.0)

    ready = reward._reward()
    monkeypatch.setattr(reward, "_reward", lambda: ready._replace(grader=asking, services={"judge": judge}))
    mark: JsonObject = {"run": "demo-1", "split": "held_out", "row": 0, "phase": "base"}
    reward.handler([sample("a", "#### 72", rft=mark), sample("b", "#### 5", rft=mark)], Context())
    reward.handler([sample("c", "#### 6")], Context())
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(found["Run"], found["JudgeCalls"], found["JudgeTokensIn"], found["JudgeTokensOut"]) for found in documents]
    assert told == [("demo-1", 2, 1000, 40), ("demo-1", 1, 500, 20)]


def test_an_empty_event_is_graded() -> None:
    assert reward.handler([], Context()) == []


@pytest.mark.parametrize(
    ("arn", "run"),
    [
        (f"{ARN}:run-demo-1", "demo-1"),
        (ARN, None),
        (f"{ARN}:7", None),
        (f"{ARN}:$LATEST", None),
        (f"{ARN}:run-", None),
        (f"{ARN}:run-UPPER", None),
        (f"{ARN}-run-demo", None),
        ("arn:aws:lambda:us-east-1:123456789012:function:run-demo", None),
    ],
)
def test_the_run_is_the_aliass(arn: str, run: str | None) -> None:
    assert reward.run_of(arn) == run


def test_a_response_over_6_mb_loses_its_components_first() -> None:
    entries: list[JsonValue] = [{"name": "invalid", "value": 1.0, "type": "Metric"}]
    entries += [{"name": f"component-{number}" * 4, "value": 0.5, "type": "Metric"} for number in range(16)]
    response: list[JsonObject] = [
        {"id": str(place), "aggregate_reward_score": 0.5, "metrics_list": entries} for place in range(8192)
    ]
    fitted = reward.fitted(response)
    assert len(json.dumps(response)) > reward.RESPONSE_LIMIT >= len(json.dumps(fitted))
    assert [entry["id"] for entry in fitted] == [entry["id"] for entry in response]
    assert all(entry["metrics_list"] == entries[:1] for entry in fitted)
    assert reward.fitted(response[:10]) == response[:10]


def test_a_response_that_cannot_fit_is_refused_in_one_line() -> None:
    response: list[JsonObject] = [{"id": "x" * 1000, "aggregate_reward_score": 0.5, "metrics_list": []}] * 7000
    with pytest.raises(ValueError, match="7000 results do not fit Lambda's 6 MB"):
        reward.fitted(response)


def test_the_asset_needs_the_standard_library_alone(asset: Path) -> None:
    """A fresh interpreter without site-packages grades an event with the packages of the asset alone."""
    script = (
        "import json, sys, types; sys.path.insert(0, sys.argv[1]); from rft_handlers.reward import handler;"
        "context = types.SimpleNamespace(invoked_function_arn='arn:x:run-a');"
        "context.get_remaining_time_in_millis = lambda: 300_000;"
        "print(json.dumps(handler(json.loads(sys.argv[2]), context)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(LAMBDA), json.dumps([sample("b", "#### 72")])],
        env={"LAMBDA_TASK_ROOT": str(asset), "RFT_ENVIRONMENT": "dev"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[0]["aggregate_reward_score"] == 1.0
