"""The reward function of every built-in grader keeps its promises, whatever Bedrock, the data or the model send."""

import contextlib
from random import Random
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.event_mutation import STRANGE, mutated
from benchmarks.reward_fuzz import Case, Fuzzed, cases, check, deployed, fuzzed, is_invalid
from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime import grading
from rft_runtime.grading import TransientFailure
from rft_runtime.reward_events import result

QUICK = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
CASES = cases()


def _is_shallow(value: JsonValue) -> bool:
    """Whether hypothesis can show a value in a report."""
    try:
        return bool(repr(value))
    except RecursionError:
        return False


ANY_JSON = st.recursive(
    st.sampled_from([value for value in STRANGE if _is_shallow(value)])
    | st.text(max_size=6)
    | st.integers()
    | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "messages", "metadata", "role", "content", "text", "rft", "reference_answer", "run"])
            | st.text(max_size=3),
            inner | st.sampled_from(["assistant", "user"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)

each_case = pytest.mark.parametrize(
    "case",
    CASES,
    ids=[f"{case.grader}-{sum(one.grader == case.grader for one in CASES[:n])}" for n, case in enumerate(CASES)],
)


def test_every_grader_is_fuzzed() -> None:
    missing = GRADERS.keys() - {case.grader for case in CASES}
    assert not missing, f"tests/cases/grader_options.json has no sample for {', '.join(sorted(missing))}"


@each_case
def test_the_good_sample_of_the_table_is_worth_everything_in_every_form_of_reference(case: Case) -> None:
    metadata = case.good["metadata"]
    assert isinstance(metadata, dict)
    others: list[JsonValue] = [
        {**case.good, "metadata": {**metadata, "reference_answer": one}} for one in case.references
    ]
    for sample in [case.good, *others]:
        with deployed(case) as function:
            (entry,) = function([sample])
        assert (entry["id"], entry["aggregate_reward_score"], is_invalid(entry)) == ("good", 1.0, False)


@each_case
def test_no_sample_harms_the_response_or_another_sample(case: Case) -> None:
    with deployed(case) as function:

        @QUICK
        @given(st.randoms(use_true_random=False))
        def holds(random: Random) -> None:
            event = fuzzed(case, random)
            response = function(event.samples)
            check(event, response, case)
            assert function(event.samples) == response

        holds()


@each_case
def test_an_arbitrary_event_gets_its_response(case: Case) -> None:
    with deployed(case) as function:

        @QUICK
        @given(st.lists(ANY_JSON, max_size=4))
        def holds(samples: list[JsonValue]) -> None:
            event = Fuzzed(samples=[case.good, *samples], good=0, answered=[])
            check(event, function(event.samples), case)

        holds()


@pytest.mark.parametrize(
    "case", [case for case in CASES if GRADERS[case.grader].services], ids=lambda case: case.grader
)
def test_a_failing_service_raises_only_when_nothing_is_left_to_answer(case: Case) -> None:
    with deployed(case) as function:

        @QUICK
        @given(st.randoms(use_true_random=False))
        def holds(random: Random) -> None:
            event = fuzzed(case, random)
            try:
                response = function(event.samples, services_work=False)
            except TransientFailure:
                return
            check(event, response, case, services_work=False)
            assert any(not is_invalid(entry) for entry in response) or not event.samples

        holds()


def test_mutations_leave_the_good_sample_as_it_is() -> None:
    case = CASES[0]
    before = repr(case.good)
    assert sum(mutated(case.good, Random(seed)) != case.good for seed in range(300)) > 270
    assert repr(case.good) == before


FAULTS: dict[str, JsonObject] = {
    "none": {},
    "nan": {"aggregate_reward_score": float("nan")},
    "beyond its range": {"aggregate_reward_score": 1.5},
    "another id": {"id": "r0"},
    "an infinite metric": {"metrics_list": [{"name": "x", "value": float("inf"), "type": "Metric"}]},
    "half a character": {"metrics_list": [{"name": "\ud800", "value": 1.0, "type": "Metric"}]},
    "a lost grade": {"metrics_list": [{"name": "invalid", "value": 1.0, "type": "Metric"}]},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds_a_broken_reward_function(fault: str) -> None:
    def broken(sample_id: JsonValue, reward: float, metrics: list[tuple[str, float]]) -> JsonObject:
        return result(sample_id, reward, metrics) | FAULTS[fault]

    case = CASES[0]
    event = Fuzzed(samples=[case.good], good=0, answered=[])
    with (
        mock.patch.object(grading, "result", broken),
        mock.patch.object(grading, "check_response", lambda *_: None),
        deployed(case) as function,
    ):
        response = function(event.samples)
    with contextlib.nullcontext() if fault == "none" else pytest.raises((AssertionError, ValueError)):
        check(event, response, case)


def test_the_check_finds_a_lost_sample() -> None:
    case = CASES[0]
    with deployed(case) as function:
        response = function([case.good, case.good])
    event = Fuzzed(samples=[case.good, case.good], good=0, answered=[])
    check(event, response, case)
    for wrong in (response[:1], response * 2, [response[0] | {"aggregate_reward_score": 0.0}, response[1]]):
        with pytest.raises(AssertionError):
            check(event, wrong, case)
