"""Events that no service should send, to the reward function of every built-in grader; what must hold whatever comes.

The handler is the deployed one, `rft_handlers.reward.handler`; only the services of a grader (code runner, judge) are
stood in for. Every event holds one good sample, and others that are mutated from it: anywhere, or in the generated turn
alone. Checked of every response: `check`.
"""

import contextlib
import io
import json
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest import mock

from benchmarks.event_mutation import STRANGE, mutated, text
from benchmarks.result import ROOT
from benchmarks.service_fakes import FakeJudge, FakeRunner
from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_handlers import reward
from rft_rewards.deadline import Deadline
from rft_runtime.grading import TransientFailure

COMMAND = "python -m benchmarks reward_fuzz"

EVENTS = int(os.environ.get("RFT_FUZZ_EVENTS", "20000"))
"""Events for each grader."""

SEED = 20261125
CASES_FILE = ROOT / "tests" / "cases" / "grader_options.json"

_MOST_SAMPLES = 6
_FLOOR, _CEILING = -1.0, 1.0
_UNRELIABLE = 0.05
"""Share of events during which the services fail."""

_REPEATED = 0.02
"""Share of events that are graded twice."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A grader with options, and a sample that it scores 1.

    Args:
        grader: Its name.
        options: Its options.
        good: The sample.
        references: Other reference answers with which the sample scores 1.
        completion: The sample's text.
        depends_on_mates: Whether its grade depends on what else is in the event.
    """

    grader: str
    options: JsonObject
    good: JsonObject
    references: Sequence[JsonValue]
    completion: str
    depends_on_mates: bool


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """An event, and what is known of its samples.

    Args:
        samples: The event.
        good: Place of the good sample.
        answered: Places of samples of which the generated turn alone was changed: they cannot be invalid.
    """

    samples: list[JsonValue]
    good: int
    answered: Sequence[int]


@dataclass(frozen=True)
class _Context:
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:dev-fuzzed:run-demo-1"

    def get_remaining_time_in_millis(self) -> int:
        """Return that there is time."""
        return 300_000


class Deployed:
    """A reward function as Lambda would run it."""

    def __init__(self, services: Sequence[FakeRunner | FakeJudge]) -> None:
        self._services = services

    def __call__(self, event: JsonValue, *, services_work: bool = True) -> list[JsonObject]:
        """Call the handler; what it prints must be JSON lines.

        Args:
            event: What Bedrock would send.
            services_work: Whether the grader's services do.
        """
        for service in self._services:
            service.works = services_work
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            response = reward.handler(event, _Context())
        for line in printed.getvalue().splitlines():
            json.loads(line, parse_constant=_refuse)
        return response


def measure() -> JsonObject:
    """Fuzz every case of every grader. The first promise that is not kept raises, and nothing is saved."""
    return {
        "seed": SEED,
        "events": EVENTS * len(GRADERS),
        "graders": {name: _fuzz(name, [case for case in cases() if case.grader == name]) for name in GRADERS},
    }


def _fuzz(name: str, its_cases: Sequence[Case]) -> JsonObject:
    """Send a grader its events, shared between its cases."""
    random = Random(f"{SEED} {name}")
    counted = Counter(events=0, samples=0, wrong=0, invalid=0, refused_as_transient=0)
    slowest = 0.0
    started = sum(os.times()[:4])
    for place, case in enumerate(its_cases):
        with deployed(case) as function:
            for number in range(EVENTS * place // len(its_cases), EVENTS * (place + 1) // len(its_cases)):
                before = time.perf_counter()
                try:
                    counted.update(_send(function, case, random))
                except Exception as error:
                    error.add_note(f"event {number} of {name} with {case.options}, seed {SEED}")
                    raise
                slowest = max(slowest, time.perf_counter() - before)
    return {
        **counted,
        "slowest_event_seconds": round(slowest, 2),
        "cpu_seconds": round(sum(os.times()[:4]) - started, 1),
    }


def _send(function: Deployed, case: Case, random: Random) -> dict[str, int]:
    """Send one event, hold the response against the promises, and return what was counted."""
    event = fuzzed(case, random)
    services_work = random.random() >= _UNRELIABLE
    counted = {"events": 1, "samples": len(event.samples)}
    try:
        response = function(event.samples, services_work=services_work)
    except TransientFailure:
        if services_work:
            raise
        return counted | {"refused_as_transient": 1}
    check(event, response, case, services_work=services_work)
    if services_work and random.random() < _REPEATED:
        assert function(event.samples) == response, "another response to the same event"
    invalid = sum(map(is_invalid, response))
    floored = sum(entry["aggregate_reward_score"] == _FLOOR for entry in response if not is_invalid(entry))
    return counted | {"invalid": invalid, "wrong": floored}


def cases() -> list[Case]:
    """Return the cases of the table, those of graders that exist."""
    table = json.loads(CASES_FILE.read_text(encoding="utf-8"))
    return [
        Case(
            grader=grader,
            options=entry["options"],
            good=_sample(entry),
            references=entry["also_reference"],
            completion=entry["completion"],
            depends_on_mates=entry.get("depends_on_mates", False),
        )
        for grader, entries in table.items()
        if grader in GRADERS
        for entry in entries
    ]


def _sample(entry: JsonObject) -> JsonObject:
    """Return a sample of an event from an entry of the table."""
    turn: JsonObject = {"role": "assistant", "content": entry["completion"]}
    if "tool_calls" in entry:
        turn["tool_calls"] = entry["tool_calls"]
    metadata: JsonObject = {}
    if entry["reference"] is not None:
        metadata["reference_answer"] = entry["reference"]
    more = entry.get("metadata")
    return {
        "id": "good",
        "messages": [{"role": "user", "content": entry["prompt"]}, turn],
        "metadata": metadata | (more if isinstance(more, dict) else {}),
    }


@contextmanager
def deployed(case: Case) -> Iterator[Deployed]:
    """Lay out a case's asset, and have the handler read it."""
    runner, judge = FakeRunner(), FakeJudge(praised=case.completion)
    spec = RewardSpec(name="fuzzed", grader=case.grader, options=case.options, floor=_FLOOR, ceiling=_CEILING)

    def make_services(environment: object, *, deadline: Deadline) -> dict[str, object]:
        del environment
        return {"deadline": deadline, "runner": runner, "judge": judge}

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE_NAME).write_text(json.dumps(spec.to_json()), encoding="utf-8")
        variables = {"LAMBDA_TASK_ROOT": folder, "RFT_ENVIRONMENT": "dev"}
        reward._reward.cache_clear()
        with mock.patch.dict(os.environ, variables), mock.patch.object(reward, "make_services", make_services):
            yield Deployed((runner, judge))
        reward._reward.cache_clear()


def fuzzed(case: Case, random: Random) -> Fuzzed:
    """Return an event made from a case's good sample."""
    samples: list[JsonValue] = []
    answered: list[int] = []
    for place in range(random.randrange(_MOST_SAMPLES)):
        match random.randrange(4):
            case 0:
                answered.append(place)
                samples.append(_with_turn(case.good, random) | {"id": f"r{place}"})
            case 1:
                strange: list[JsonValue] = [*STRANGE, case.good["messages"], [case.good]]
                samples.append(random.choice(strange))
            case _:
                sample: JsonValue = {**case.good, "id": random.choice(("r", f"r{place}"))}
                for _ in range(random.choice((1, 1, 2, 4))):
                    sample = mutated(sample, random)
                samples.append(sample)
    place = random.randrange(len(samples) + 1)
    samples.insert(place, case.good)
    return Fuzzed(samples=samples, good=place, answered=[each + (each >= place) for each in answered])


def _with_turn(sample: JsonObject, random: Random) -> JsonObject:
    """Return a sample with something else in the generated turn."""
    messages = sample["messages"]
    assert isinstance(messages, list)
    turn = messages[-1]
    assert isinstance(turn, dict)
    content = turn["content"]
    for _ in range(random.choice((1, 2, 4))):
        if isinstance(content, str) and random.random() < 0.8:
            content = text(content, random)
        else:
            content = mutated(content, random)
    changed: JsonObject = {**turn, "content": content}
    if random.random() < 0.3:
        changed["tool_calls"] = mutated(turn.get("tool_calls", [{"name": "f", "arguments": {}}]), random)
    return {**sample, "messages": [*messages[:-1], changed]}


def check(event: Fuzzed, response: Sequence[JsonObject], case: Case, *, services_work: bool = True) -> None:
    """Hold a response against the promises.

    One result a sample, in order, under its id; every number finite and every reward within the reward's range; the
    whole of it JSON that Lambda can send; and, while the services work, the good sample's reward is the ceiling in
    any company, and no sample is invalid because of what was generated.

    Raises:
        AssertionError: When a promise is not kept.
    """
    assert len(response) == len(event.samples), "another count"
    for place, (sample, entry) in enumerate(zip(event.samples, response, strict=True)):
        assert entry["id"] == _identity(sample, place), f"another id at {place}"
        score = entry["aggregate_reward_score"]
        assert isinstance(score, float) and _FLOOR <= score <= _CEILING, f"a reward out of range at {place}"
        metrics = entry["metrics_list"]
        assert isinstance(metrics, list) and len(metrics) <= 18
        for metric in metrics:
            assert isinstance(metric, dict) and isinstance(metric["name"], str) and metric["type"] == "Metric"
            assert isinstance(metric["value"], float) and math.isfinite(metric["value"]), f"{metric['name']} at {place}"
    json.dumps(response, allow_nan=False, ensure_ascii=False).encode()
    if not services_work:
        return
    assert not is_invalid(response[event.good]), "the good sample lost its grade"
    if not case.depends_on_mates:
        assert response[event.good]["aggregate_reward_score"] == _CEILING, "the good sample's grade changed in company"
    for place in event.answered:
        assert not is_invalid(response[place]), f"a completion made its own grade invalid at {place}"


def is_invalid(entry: JsonObject) -> bool:
    """Whether a result says that there is no grade."""
    metrics = entry["metrics_list"]
    assert isinstance(metrics, list)
    return {"name": "invalid", "value": 1.0, "type": "Metric"} in metrics


def _identity(sample: JsonValue, place: int) -> JsonValue:
    """Return the id that a response must echo."""
    given = sample.get("id") if isinstance(sample, dict) else None
    if isinstance(given, str):
        is_text = given.encode("utf-8", "replace").decode() == given
        return given if is_text else f"sample-{place}"
    is_number = isinstance(given, int) or (isinstance(given, float) and math.isfinite(given))
    return given if is_number else f"sample-{place}"


def _refuse(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")
