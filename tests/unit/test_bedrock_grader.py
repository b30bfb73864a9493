"""Events of the reward function: what is in them, how they are filled, how answers are read."""

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_local.bedrock.emulator_client import EmulatorClient
from rft_local.bedrock.endpoint_settings import Delivery, EndpointSettings, FieldPlace, GraderSettings
from rft_local.bedrock.engine import Message, Rollout, TrainingRow
from rft_local.bedrock.grader import Grader, GraderFailed, GradingStopped
from rft_local.bedrock.grader_event import MOST_BYTES, Event, arrange
from tests.unit.bedrock_bench import GRADER, ROLE
from tests.unit.fakes.emulator import FakeEmulator, running


def rollouts(groups: int, samples: int, text: str = "answer") -> list[Rollout]:
    rows = [
        TrainingRow(
            messages=[Message(role="user", content=f"question {group}")],
            fields={"reference_answer": f"gold {group}", "rft": {"row": group}},
        )
        for group in range(groups)
    ]
    return [Rollout(row, f"{text} {sample}", group) for group, row in enumerate(rows) for sample in range(samples)]


def groups_of(event: Event) -> list[int]:
    return [sample.group for sample in event.samples]


@given(
    groups=st.integers(1, 12),
    samples=st.integers(1, 9),
    size=st.integers(1, 20),
    delivery=st.sampled_from(list(Delivery)),
    seed=st.integers(0, 5),
)
@settings(max_examples=60)
def test_every_rollout_is_in_exactly_one_event(
    groups: int, samples: int, size: int, delivery: Delivery, seed: int
) -> None:
    events = arrange(rollouts(groups, samples), GraderSettings(delivery=delivery, event_size=size), seed)
    positions = [sample.position for event in events for sample in event.samples]
    assert sorted(positions) == list(range(groups * samples))
    assert len({sample.id for event in events for sample in event.samples}) == groups * samples
    if delivery is not Delivery.WHOLE:
        assert max(len(event.samples) for event in events) <= size


def test_whole_groups_stay_together() -> None:
    events = arrange(rollouts(10, 4), GraderSettings(event_size=10), 0)
    assert [len(event.samples) for event in events] == [8] * 5
    assert all(set(Counter(groups_of(event)).values()) == {4} for event in events)


def test_split_groups_are_spread_over_events() -> None:
    events = arrange(rollouts(6, 4), GraderSettings(delivery=Delivery.SPLIT, event_size=64), 0)
    assert [groups_of(event) for event in events] == [list(range(6))] * 4


def test_shuffled_rollouts_mix_and_repeat_with_their_seed() -> None:
    shuffled = GraderSettings(delivery=Delivery.SHUFFLED, event_size=8)
    first, again, other = (
        [groups_of(event) for event in arrange(rollouts(8, 4), shuffled, seed)] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert any(set(Counter(groups).values()) != {4} for groups in first)


def test_single_sends_one_rollout_an_event() -> None:
    events = arrange(rollouts(3, 2), GraderSettings(delivery=Delivery.SINGLE), 0)
    assert [len(event.samples) for event in events] == [1] * 6


@pytest.mark.parametrize("delivery", list(Delivery))
def test_no_event_is_larger_than_lambda_takes(delivery: Delivery) -> None:
    events = arrange(rollouts(2, 4, "x" * 2_500_000), GraderSettings(delivery=delivery), 0)
    assert all(len(event.payload) <= MOST_BYTES for event in events) and len(events) >= 4


def payload(**changes: Any) -> dict[str, Any]:
    event = arrange(rollouts(1, 1), GraderSettings(**changes), 0)[0]
    sample: dict[str, Any] = json.loads(event.payload)[0]
    return sample


def test_the_payload_is_bedrocks() -> None:
    sample = payload()
    assert set(sample) == {"id", "messages", "metadata"}
    assert sample["messages"] == [
        {"role": "user", "content": "question 0"},
        {"role": "assistant", "content": "answer 0"},
    ]
    assert sample["metadata"] == {"reference_answer": "gold 0", "rft": {"row": 0}}


def test_the_payload_can_take_the_other_documented_and_sampled_forms() -> None:
    assert payload(wrap_text=True)["metadata"]["reference_answer"] == {"text": "gold 0"}
    top = payload(fields=FieldPlace.TOP_LEVEL)
    assert "metadata" not in top and top["reference_answer"] == "gold 0" and top["rft"] == {"row": 0}
    assert payload(assistant_role="nova_assistant")["messages"][-1]["role"] == "nova_assistant"


@contextmanager
def grader(
    grade: Callable[[list[dict[str, Any]]], Any], stop: Callable[[], bool] = lambda: False, **changes: Any
) -> Iterator[tuple[Grader, FakeEmulator, list[float]]]:
    waits: list[float] = []
    with running(FakeEmulator(grade=grade)) as emulator:
        session = EmulatorClient(emulator.url).session(ROLE, "arn")
        yield Grader(session, GRADER, GraderSettings(**changes), 0, stop, waits.append), emulator, waits


def scored(event: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": sample["id"], "aggregate_reward_score": int(sample["messages"][-1]["content"].split()[1])}
        for sample in event
    ]


@pytest.mark.parametrize("delivery", list(Delivery))
def test_rewards_come_back_in_order_however_they_were_sent(delivery: Delivery) -> None:
    with grader(lambda event: scored(event)[::-1], delivery=delivery, event_size=5) as (graded, _, _):
        assert graded.rewards(rollouts(4, 3)) == [0.0, 1.0, 2.0] * 4


def test_shuffled_rewards_are_the_same_values_for_other_rollouts() -> None:
    with grader(scored, shuffle_rewards=True) as (graded, _, _):
        dealt = graded.rewards(rollouts(8, 4))
    assert Counter(dealt) == Counter([0.0, 1.0, 2.0, 3.0] * 8)
    assert dealt != [0.0, 1.0, 2.0, 3.0] * 8


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda event: {"errorMessage": "no"}, "it is a dict, wanted a list"),
        (lambda event: None, "it is a NoneType"),
        (lambda event: scored(event)[1:], "1 of 2 ids are missing"),
        (lambda event: [*scored(event), scored(event)[0]], "appears twice"),
        (lambda event: [*scored(event), {"id": "other", "aggregate_reward_score": 1}], "were not sent, such as other"),
        (lambda event: [{"aggregate_reward_score": 1}], "without an id"),
        (lambda event: [{**one, "aggregate_reward_score": math.nan} for one in scored(event)], "is nan"),
        (lambda event: [{**one, "aggregate_reward_score": math.inf} for one in scored(event)], "is inf"),
        (lambda event: [{**one, "aggregate_reward_score": True} for one in scored(event)], "is True"),
        (lambda event: [{**one, "aggregate_reward_score": "1"} for one in scored(event)], "is '1'"),
        (lambda event: [{"id": one["id"]} for one in scored(event)], "is None"),
    ],
)
def test_an_answer_that_breaks_the_contract_fails_at_once(answer: Callable[[Any], Any], words: str) -> None:
    with grader(answer) as (graded, emulator, _), pytest.raises(GraderFailed, match="breaks the contract") as raised:
        graded.rewards(rollouts(1, 2))
    assert words in str(raised.value) and len(emulator.graded) == 1


def test_a_failed_call_is_tried_again_three_times_with_growing_waits() -> None:
    def never(event: Any) -> Any:
        raise TimeoutError("judge")

    with grader(never, backoff_seconds=0.5) as (graded, emulator, waits):
        with pytest.raises(GraderFailed, match=r"failed 4 times \(3 retries .*TimeoutError"):
            graded.rewards(rollouts(1, 2))
        assert waits == [0.5, 1.0, 2.0] and len(emulator.graded) == 4


def test_a_call_that_is_not_allowed_is_not_tried_again() -> None:
    with grader(scored) as (graded, emulator, waits):
        emulator.denied.add("lambda:InvokeFunction")
        with pytest.raises(GraderFailed, match="cannot be invoked"):
            graded.rewards(rollouts(1, 2))
        assert waits == []


def test_a_stopped_job_grades_no_more() -> None:
    with grader(scored, stop=lambda: True) as (graded, emulator, _), pytest.raises(GradingStopped):
        graded.rewards(rollouts(1, 2))
    assert emulator.graded == []


def test_events_are_graded_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=5)

    def wait(event: list[dict[str, Any]]) -> Any:
        together.wait()
        return scored(event)

    with grader(wait, delivery=Delivery.SINGLE, concurrency=4, retries=0) as (graded, _, _):
        assert graded.rewards(rollouts(1, 4)) == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("illegal", [{"event_size": 0}, {"concurrency": 0}, {"retries": -1}, {"backoff_seconds": -1}])
def test_settings_out_of_range_are_refused(illegal: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(illegal))):
        GraderSettings(**illegal)  # type: ignore[arg-type]  # illegal on purpose


def test_endpoint_settings_out_of_range_are_refused(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="max_tokens: got 0"):
        EndpointSettings(emulator_url="http://127.0.0.1:1", state=tmp_path, max_tokens=0)
