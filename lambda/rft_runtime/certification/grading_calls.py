"""Events sent to a reward, and what is wrong with its answers."""

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from rft_contract.json_value import JsonObject
from rft_rewards.judge import STAND_IN
from rft_runtime.certificate import MOST_FINDINGS, Finding
from rft_runtime.certification.prompt_groups import PromptGroups
from rft_runtime.reward_calls import EVENT_BYTES, Grade, events_of, read_grade

_MOST_CULPRITS = 3


class Reward(Protocol):
    """A reward function: Bedrock's event as JSON, and its answer as JSON."""

    def __call__(self, event: bytes, /) -> bytes:
        """Grade an event.

        Raises:
            RewardRaised: When the function raised or ran out of time.
            Exception: Whatever else kept it from being called.
        """
        ...


class RewardRaised(Exception):
    """A reward function did not answer an event.

    Args:
        error: Class of what it raised.
        is_timeout: Whether it ran out of time.
    """

    def __init__(self, error: str, *, is_timeout: bool = False) -> None:
        super().__init__(error)
        self.error = error
        self.is_timeout = is_timeout


@dataclass(frozen=True, slots=True)
class Sent:
    """A completion that was graded.

    Args:
        value: Its score, 0 (floor) to 1 (ceiling); None without a valid one.
        invalid: Why there is none: the reward's reason code, or `no-answer`.
        components: The reward's metrics.
    """

    value: float | None
    invalid: str | None = None
    components: Mapping[str, float] = field(default_factory=dict)


NO_ANSWER = Sent(None, "no-answer")


class GradingCalls:
    """Sends completions and keeps account.

    Args:
        reward: The function.
        floor: Its lowest score.
        ceiling: Its highest.
        is_bounded: Whether a score outside of them is a fault; not where they are only assumed.
        most_samples: Completions of an event.
        event_bytes: Bytes of the largest event.
        at_once: Events in flight.
        groups: Keeps what is sent by prompt.
    """

    def __init__(
        self,
        reward: Reward,
        *,
        floor: float,
        ceiling: float,
        is_bounded: bool = True,
        most_samples: int = 512,
        event_bytes: int = EVENT_BYTES,
        at_once: int = 1,
        groups: PromptGroups | None = None,
    ) -> None:
        self._reward = reward
        self._floor, self._ceiling, self._is_bounded = floor, ceiling, is_bounded
        self._most_samples = most_samples
        self._event_bytes = event_bytes
        self._at_once = at_once
        self._lock = threading.Lock()
        self.groups = groups or PromptGroups()
        self.grades = 0
        self.calls = 0
        self.met_stand_in = False
        self.faults: list[Finding] = []
        self.fault_counts: Counter[str] = Counter()

    def grade(self, items: Sequence[JsonObject], *, lines: Sequence[int | None] = ()) -> list[Sent]:
        """Grade elements of events, in events of at most `most_samples` and `event_bytes`.

        Args:
            items: Elements with ids that differ.
            lines: The dataset's line of each, for what is said about faults.
        """
        places = list(lines) or [None] * len(items)
        chunks = [
            (items[start : start + self._most_samples], places[start : start + self._most_samples])
            for start in range(0, len(items), self._most_samples)
        ]
        if self._at_once == 1 or len(chunks) == 1:
            graded = [self._chunk(*chunk) for chunk in chunks]
        else:
            with ThreadPoolExecutor(self._at_once) as pool:
                graded = list(pool.map(lambda chunk: self._chunk(*chunk), chunks))
        return [sent for chunk in graded for sent in chunk]

    def timed(self, items: Sequence[JsonObject]) -> tuple[float, int, list[Sent]] | None:
        """Send one event and return seconds, bytes and grades; None when it was not answered."""
        event = msgspec.json.encode(items)
        try:
            began = time.perf_counter()
            body = self._send(event, len(items))
            seconds = time.perf_counter() - began
        except RewardRaised as error:
            self._fault("raised", f"an event of {len(items)} completions: {_words(error)}")
            return None
        return seconds, len(event), self._read(body, items, [None] * len(items))

    def largest(self, items: Sequence[JsonObject]) -> list[JsonObject]:
        """Return as many of the items, repeated under new ids, as fit one event."""
        sizes = [len(msgspec.json.encode(item)) + 12 for item in items]
        event: list[JsonObject] = []
        size = 2
        while True:
            place = len(event) % len(items)
            size += sizes[place]
            if size > self._event_bytes:
                return event or [items[0]]
            event.append({**items[place], "id": f"large-{len(event)}"})

    def _chunk(self, items: Sequence[JsonObject], lines: Sequence[int | None]) -> list[Sent]:
        graded: list[Sent] = []
        start = 0
        for event in events_of(items, self._event_bytes):
            count = len(msgspec.json.decode(event, type=list[msgspec.Raw]))
            graded += self._event(event, items[start : start + count], lines[start : start + count])
            start += count
        return graded

    def _event(self, event: bytes, items: Sequence[JsonObject], lines: Sequence[int | None]) -> list[Sent]:
        try:
            return self._read(self._send(event, len(items)), items, lines)
        except RewardRaised as error:
            self._blame(items, lines, error)
            return [NO_ANSWER] * len(items)

    def _send(self, event: bytes, samples: int) -> bytes:
        with self._lock:
            self.calls += 1
            self.grades += samples
        return self._reward(event)

    def _blame(self, items: Sequence[JsonObject], lines: Sequence[int | None], error: RewardRaised) -> None:
        """Find what an event raises on by halving it; an event that ran out of time is not tried again."""
        culprits = 0
        parts = [(items, lines)]
        while parts and culprits < _MOST_CULPRITS and not error.is_timeout:
            part, places = parts.pop()
            if len(part) > 1:
                halves = len(part) // 2
                for half in (slice(0, halves), slice(halves, None)):
                    try:
                        self._send(msgspec.json.encode(part[half]), len(part[half]))
                    except RewardRaised as again:
                        error = again
                        parts.append((part[half], places[half]))
            else:
                culprits += 1
                self._fault("raised", _words(error), places[0])
        if not culprits:
            self._fault("raised", f"an event of {len(items)} completions: {_words(error)}")

    def _read(self, body: bytes, items: Sequence[JsonObject], lines: Sequence[int | None]) -> list[Sent]:
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            self._fault("not-json", "the answer is not JSON (NaN and infinities are not)")
            return [NO_ANSWER] * len(items)
        if not isinstance(answer, list) or len(answer) != len(items):
            got = f"{len(answer)} results" if isinstance(answer, list) else type(answer).__name__
            self._fault("count", f"got {got}, wanted an array with one result for each of {len(items)} completions")
            return [NO_ANSWER] * len(items)
        return [self._result(result, item, line) for result, item, line in zip(answer, items, lines, strict=True)]

    def _result(self, result: Any, item: JsonObject, line: int | None) -> Sent:
        if not isinstance(result, dict) or result.get("id") != item["id"]:
            self._fault("ids", "a result does not carry the id of the completion in its place", line)
            return NO_ANSWER
        grade = read_grade(result)
        if grade.invalid == "no-finite-score":
            self._fault("score", "aggregate_reward_score is no finite number", line)
            return NO_ANSWER
        if any(name.rpartition(".")[2] == STAND_IN and value for name, value in grade.components.items()):
            self.met_stand_in = True
        if any(not math.isfinite(value) for value in grade.components.values()):
            self._fault("metrics", "a metric is not finite", line)
        return self._scaled(grade, line)

    def _scaled(self, grade: Grade, line: int | None) -> Sent:
        if grade.reward is None:
            return Sent(None, grade.invalid, grade.components)
        value = (grade.reward - self._floor) / (self._ceiling - self._floor)
        if self._is_bounded and not -1e-9 <= value <= 1 + 1e-9:
            self._fault("range", f"a score lies outside of {self._floor:g} to {self._ceiling:g}", line)
        return Sent(value, None, grade.components)

    def _fault(self, code: str, what: str, line: int | None = None) -> None:
        with self._lock:
            self.fault_counts[code] += 1
            if len(self.faults) < MOST_FINDINGS and self.fault_counts[code] <= _MOST_CULPRITS:
                self.faults.append(Finding(what=what, row=line, probe=code))


def _words(error: RewardRaised) -> str:
    return f"the function ran out of time ({error.error})" if error.is_timeout else f"the function raised {error.error}"
