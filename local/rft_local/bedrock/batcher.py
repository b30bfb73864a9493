"""Answering concurrent inference requests together: thirty prompts in one call are much faster than thirty calls."""

import itertools
import json
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from rft_local.bedrock.engine import Completion, Decoding, Engine, Message

_LONGEST_WAIT = 10


@dataclass(frozen=True)
class Question:
    """One request for one completion.

    Args:
        messages: The prompt.
        adapter: The custom model's weights; None is the base model.
        decoding: How to sample.
    """

    messages: tuple[Message, ...]
    adapter: Path | None
    decoding: Decoding

    @property
    def prompt(self) -> str:
        """The prompt as text: equal prompts have equal texts."""
        return json.dumps(self.messages, sort_keys=True)


@dataclass(frozen=True)
class _Pending:
    question: Question
    answer: "Future[Completion]" = field(default_factory=Future)


class Batcher:
    """Collects requests for a moment and answers those with the same model and decoding in one call.

    Equal prompts become samples of one prompt. A greedy prompt is answered once for all who asked.

    Args:
        engine: What generates.
        seed: Seed of the sampling; every call has its own.
        seconds: How long to wait for another request; ten times that is the longest wait in all.
        size: Most requests of one call.
    """

    def __init__(self, engine: Engine, *, seed: int, seconds: float, size: int) -> None:
        self._engine = engine
        self._seeds = itertools.count(seed * 1_000_003)
        self._seconds = seconds
        self._size = size
        self._waiting: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._waiting.put(None)

    def ask(self, question: Question) -> Completion:
        """Return a completion; waits for it.

        Raises:
            ValueError: When the prompt does not fit the model's context.
        """
        pending = _Pending(question)
        self._waiting.put(pending)
        return pending.answer.result()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            collected, last = self._collect(first)
            alike: dict[tuple[Path | None, Decoding], list[_Pending]] = defaultdict(list)
            for pending in collected:
                alike[pending.question.adapter, pending.question.decoding].append(pending)
            for group in alike.values():
                self._answer_all(group)
            if last:
                return

    def _collect(self, first: _Pending) -> tuple[list[_Pending], bool]:
        """Return what arrives until nothing more does, and whether the end was announced.

        Callers that were answered together ask again one after the other, so the wait begins anew with each request.
        """
        collected = [first]
        deadline = time.monotonic() + _LONGEST_WAIT * self._seconds
        while len(collected) < self._size:
            try:
                left = min(self._seconds, deadline - time.monotonic())
                pending = self._waiting.get(timeout=max(0.0, left))
            except queue.Empty:
                break
            if pending is None:
                return collected, True
            collected.append(pending)
        return collected, False

    def _answer_all(self, group: Sequence[_Pending]) -> None:
        """Answer requests of one model and decoding; prompts asked for equally often go into one call."""
        by_prompt: dict[str, list[_Pending]] = defaultdict(list)
        for pending in group:
            by_prompt[pending.question.prompt].append(pending)
        greedy = group[0].question.decoding.temperature == 0
        samples = Counter({prompt: 1 if greedy else len(asking) for prompt, asking in by_prompt.items()})
        for count in sorted(set(samples.values())):
            self._answer([asking for prompt, asking in by_prompt.items() if samples[prompt] == count], count)

    def _answer(self, prompts: Sequence[Sequence[_Pending]], samples: int) -> None:
        question = prompts[0][0].question
        try:
            found = self._engine.generate(
                [asking[0].question.messages for asking in prompts],
                adapter=question.adapter,
                samples=samples,
                decoding=question.decoding,
                seed=next(self._seeds),
            )
        except Exception as error:
            self._refuse(prompts, samples, error)
            return
        for asking, completions in zip(prompts, found, strict=True):
            for pending, completion in zip(asking, itertools.cycle(completions), strict=False):
                pending.answer.set_result(completion)

    def _refuse(self, prompts: Sequence[Sequence[_Pending]], samples: int, error: Exception) -> None:
        """Give each prompt its own chance when one of several made the call fail."""
        if len(prompts) == 1:
            for pending in prompts[0]:
                pending.answer.set_exception(error)
            return
        for asking in prompts:
            self._answer([asking], samples)
