"""Examples of a report: prompts with what both models said."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from rft_runtime.conversation import text_of
from rft_runtime.evaluation import Evaluation

_EXAMPLES_OF_A_KIND = 2


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A held-out prompt with both greedy completions.

    Args:
        kind: `fixed`, `still_wrong` or `got_worse`.
        row: Row of the held-out set.
        prompt: The last user message.
        reference_answer: As in the dataset.
        base: The base model's completion.
        candidate: The candidate's completion.
        base_reward: Its reward; None without a grade.
        candidate_reward: Its reward; None without a grade.
    """

    kind: str
    row: int
    prompt: str
    reference_answer: Any
    base: str
    candidate: str
    base_reward: float | None
    candidate_reward: float | None


def choose_examples(evaluation: Evaluation, success_at: float, lines: Iterator[bytes]) -> Iterator[Example]:
    """Yield the first two prompts of each kind, in the kinds' order."""
    kinds = {"fixed": (False, True), "still_wrong": (False, False), "got_worse": (True, False)}
    chosen: dict[int, str] = {}
    for kind, wanted in kinds.items():
        rows = (
            row
            for row in range(evaluation.prompts)
            if (evaluation.base.succeeds(row, success_at), evaluation.candidate.succeeds(row, success_at)) == wanted
        )
        chosen |= dict.fromkeys(islice(rows, _EXAMPLES_OF_A_KIND), kind)
    texts = {number: json.loads(line) for number, line in enumerate(lines) if number in chosen}
    for number, kind in chosen.items():
        base, candidate = evaluation.base.greedy.get(number), evaluation.candidate.greedy.get(number)
        yield Example(
            kind=kind,
            row=number,
            prompt=_last_prompt(texts[number]),
            reference_answer=texts[number].get("reference_answer"),
            base="" if base is None else base.completion,
            candidate="" if candidate is None else candidate.completion,
            base_reward=None if base is None else base.reward,
            candidate_reward=None if candidate is None else candidate.reward,
        )


def _last_prompt(row: dict[str, Any]) -> str:
    turns = [turn for turn in row["messages"] if str(turn.get("role", "")).lower() == "user"]
    return text_of(turns[-1]["content"]) if turns else ""
