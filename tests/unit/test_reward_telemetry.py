"""The metrics of an event: exact dimension sets, and nothing that was not measured."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rft_contract.json_value import JsonValue
from rft_contract.metrics import Dimension, MetricName
from rft_contract.rollout_mark import RolloutMark
from rft_rewards.sample import Sample
from rft_runtime.grading import Graded
from rft_runtime.judge_usage import JudgeUsage
from rft_runtime.reward_events import EventItem
from rft_runtime.telemetry import MOST_VALUES, documents


def graded(
    value: float | None, mark: RolloutMark | None = None, *, reward: float | None = None, characters: int = 10
) -> Graded:
    sample = Sample("c" * characters, "the reference", ["the prompt"])
    item = EventItem("r1", True, mark, sample)
    if value is None:
        return Graded(item, 0.5 if reward is None else reward, None, reason="reference-missing", filled="mates")
    return Graded(item, value if reward is None else reward, value)


def mark(split: str = "train", phase: str | None = None, run: str = "run-1") -> RolloutMark:
    return RolloutMark(run=run, split=split, row=0, phase=phase)


def emit(items: Sequence[Graded], alias_run: str | None = None, **more: Any) -> list[dict[str, Any]]:
    emitted = documents(
        items,
        reward="gsm8k",
        environment="dev",
        alias_run=alias_run,
        milliseconds=12.5,
        timestamp=1_700_000_000_000,
        **more,
    )
    return [json.loads(json.dumps(document, allow_nan=False)) for document in emitted]


def total(emitted: Sequence[dict[str, Any]], name: MetricName) -> float:
    values = [document[name] for document in emitted if name in document]
    return sum(sum(value) if isinstance(value, list) else value for value in values)


def test_no_metric_is_called_like_a_dimension() -> None:
    assert not {name.value for name in MetricName} & {name.value for name in Dimension}


def test_a_document_has_emfs_form() -> None:
    (document,) = emit([graded(1.0, mark())])
    directive = document["_aws"]["CloudWatchMetrics"]
    assert document["_aws"]["Timestamp"] == 1_700_000_000_000
    assert len(directive) == 1
    assert directive[0]["Namespace"] == "BedrockRFT"
    assert directive[0]["Dimensions"] == [["Environment", "Reward"], ["Run"]]
    assert (document["Environment"], document["Reward"], document["Run"]) == ("dev", "gsm8k", "run-1")
    declared = {metric["Name"] for metric in directive[0]["Metrics"]}
    assert declared == {name.value for name in MetricName} & set(document)
    assert declared >= {"TrainingReward", "Success", "Graded", "Wrong", "Invalid", "GradeMilliseconds"}


def test_training_rollouts_are_counted_with_their_values() -> None:
    items = [graded(1.0, mark(), reward=2.0), graded(0.0, mark(), reward=-1.0), graded(0.5, mark(), reward=0.5)]
    (document,) = emit(items)
    assert document["TrainingReward"] == [2.0, -1.0, 0.5]
    assert document["Success"] == [1.0, 0.0, 0.0]
    assert (document["Graded"], document["Wrong"], document["Invalid"]) == (3, 1, 0)
    assert document["CompletionCharacters"] == [10, 10, 10]
    assert document["GradeMilliseconds"] == 12.5
    assert "ValidationReward" not in document
    assert "Unattributed" not in document


def test_a_fill_is_in_no_curve() -> None:
    (document,) = emit([graded(1.0, mark()), graded(None, mark(), reward=0.75)])
    assert document["TrainingReward"] == [1.0]
    assert (document["Graded"], document["Invalid"]) == (1, 1)
    assert document["InvalidReasons"] == {"reference-missing": 1}
    assert document["Fills"] == {"mates": 1}


def test_the_sizes_of_an_events_groups_are_told_once() -> None:
    rows = [RolloutMark(run="run-1", split="train", row=row) for row in (1, 1, 1, 2)]
    first, *others = emit([graded(1.0, row) for row in rows] + [graded(1.0, rows[3])] * MOST_VALUES)
    assert first["GroupSizes"] == {"101": 1, "3": 1}
    assert all("GroupSizes" not in document for document in others)


@pytest.mark.parametrize(("spread", "noise"), [(1.0, 0.707), (0.0, 0.0), (None, None)])
def test_a_judges_noise_is_held_against_what_it_tells_apart(spread: float | None, noise: float | None) -> None:
    def judged(grade: float) -> Graded:
        own = {} if spread is None else {"style.judge_sd": spread}
        return replace(graded(0.5, mark()), components={"style.judge_grade": grade, **own})

    (document,) = emit([judged(2.0), judged(4.0)])
    assert document.get("JudgeNoise") == noise
    (document,) = emit([judged(3.0), judged(3.0)])
    assert "JudgeNoise" not in document


def test_an_event_that_is_answered_by_an_error_counts_as_unanswered_alone() -> None:
    (document,) = emit([replace(graded(None, mark()), transient=True), graded(None, mark())], digest="abc")
    assert (document["Unanswered"], document["Event"]) == (2, "abc")
    assert not {"Graded", "Invalid", "TrainingReward"} & set(document)


def test_an_event_that_was_answered_before_is_counted_once() -> None:
    (document,) = emit([graded(1.0, mark()), graded(0.0, mark())], regraded=True)
    assert document["Regraded"] == 2
    assert not {"Graded", "Invalid", "TrainingReward", "Unattributed"} & set(document)


def test_an_event_of_invalid_rollouts_has_counts_and_no_values() -> None:
    (document,) = emit([graded(None, mark())])
    assert (document["Graded"], document["Invalid"]) == (0, 1)
    assert not {"TrainingReward", "Success", "CompletionCharacters", "ValidationReward"} & set(document)


def test_validation_has_its_own_curve() -> None:
    (document,) = emit([graded(1.0, mark("validation")), graded(0.0, mark())])
    assert (document["ValidationReward"], document["TrainingReward"]) == ([1.0], [0.0])
    assert document["Graded"] == 2


@pytest.mark.parametrize("phase", ["certify", "probe", "base", "candidate", "live", "guard"])
def test_what_the_platform_sent_is_on_no_curve_and_its_cost_is_told(phase: str) -> None:
    (document,) = emit([graded(1.0, mark("held_out", phase)), graded(None, mark("train", phase))], alias_run="run-9")
    assert {name.value for name in MetricName} & set(document) == {"RolloutMilliseconds"}
    assert (document["Run"], document["RolloutMilliseconds"]) == ("run-1", 6.25)


def test_what_grading_cost_is_told_once_an_event() -> None:
    items = [graded(1.0, mark(run="a")) for _ in range(150)] + [graded(0.0, mark(run="b"))]
    emitted = emit(items, asked=JudgeUsage(requests=3, tokens_in=900, tokens_out=60), regraded=True)
    assert len(emitted) == 3
    for name, value in (("JudgeCalls", 3), ("JudgeTokensIn", 900), ("JudgeTokensOut", 60)):
        assert total(emitted, MetricName(name)) == value
    assert total(emitted, MetricName.ROLLOUT_MILLISECONDS) == 12.5 / 151


def test_an_event_without_rollouts_emits_nothing() -> None:
    assert emit([]) == []


def test_the_characters_of_prompts_are_counted_and_not_shown() -> None:
    turns: list[JsonValue] = [
        {"role": "system", "content": "12345"},
        {"role": "user", "content": [{"type": "text", "text": "678"}, {"type": "image"}]},
        {"role": "user", "content": None},
        "no turn",
    ]
    item = graded(1.0, mark())
    item = replace(item, item=replace(item.item, sample=replace(item.item.sample, prompt=turns)))
    (document,) = emit([item, graded(None, mark("validation"))])
    assert document["PromptCharacters"] == 8


def test_rollouts_without_a_mark_belong_to_the_alias() -> None:
    (document,) = emit([graded(1.0)], alias_run="run-9")
    assert document["Run"] == "run-9"
    assert "Unattributed" not in document


def test_rollouts_that_name_no_run_are_counted_as_such() -> None:
    (document,) = emit([graded(1.0), graded(0.0)])
    assert (document["Run"], document["Unattributed"], document["Graded"]) == ("-", 2, 2)


def test_each_run_has_its_own_documents_and_the_time_is_counted_once() -> None:
    emitted = emit([graded(1.0, mark(run="a")), graded(0.0, mark(run="b")), graded(1.0, mark(run="a"))])
    assert {document["Run"]: document["TrainingReward"] for document in emitted} == {"a": [1.0, 1.0], "b": [0.0]}
    assert total(emitted, MetricName.GRADE_MILLISECONDS) == 12.5


@pytest.mark.parametrize("count", [MOST_VALUES, MOST_VALUES + 1, 8192])
def test_large_events_are_split_without_losing_a_value(count: int) -> None:
    items = [graded(None if place % 10 == 9 else place % 2, mark()) for place in range(count)]
    emitted = emit(items)
    assert len(emitted) == -(-count // MOST_VALUES)
    lengths = [len(value) for document in emitted for value in document.values() if isinstance(value, list)]
    assert max(lengths) <= MOST_VALUES
    valid = [item.reward for item in items if item.value is not None]
    assert total(emitted, MetricName.REWARD) == sum(valid)
    assert total(emitted, MetricName.GRADED) == len(valid)
    assert total(emitted, MetricName.INVALID) == count - len(valid)
    assert total(emitted, MetricName.GRADE_MILLISECONDS) == 12.5


def test_nothing_of_the_texts_is_emitted() -> None:
    text = json.dumps(emit([graded(1.0, mark()), graded(None)]))
    assert not any(words in text for words in ("the completion", "the reference", "the prompt", "r1"))
