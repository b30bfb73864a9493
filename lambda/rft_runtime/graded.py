"""Graded completions: what Probe and Evaluate leave behind, one gzip JSONL object a shard."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec


class GradedCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """One completion with its grade.

    Args:
        row: Row of the frozen dataset.
        sample: Number among the prompt's samples, from 0.
        reward: Its reward; None when it was not graded.
        invalid: Why it was not graded; None when it was. Evaluation never fills in a value.
        components: Named metrics of the grade.
        tokens_out: Completion tokens; 0 when unanswered.
        stop_reason: Bedrock's reason; empty when unanswered.
        completion: The text; empty when unanswered.
        group: What the row shares with others of its source, as a digest of its field `group`; None without one.
    """

    row: int
    sample: int
    reward: float | None
    invalid: str | None
    components: dict[str, float]
    tokens_out: int
    stop_reason: str
    completion: str
    group: str | None = None


@dataclass(slots=True)
class Drawn:
    """How many completions a part of a run drew, and how long they were.

    Args:
        rollouts: Completions that a model answered.
        tokens_out: Tokens of all of them.
    """

    rollouts: int = 0
    tokens_out: int = 0

    def counting(self, completions: Iterable[GradedCompletion]) -> Iterator[GradedCompletion]:
        """Yield completions, and count them as they pass; those without an answer cost nothing."""
        for completion in completions:
            if completion.stop_reason:
                self.rollouts += 1
                self.tokens_out += completion.tokens_out
            yield completion


def encode_graded(completions: Sequence[GradedCompletion]) -> bytes:
    """Return the object of a shard; equal completions give equal bytes."""
    return gzip.compress(msgspec.json.Encoder().encode_lines(list(completions)), mtime=0)


def decode_graded(body: bytes) -> list[GradedCompletion]:
    """Read the object of a shard."""
    return msgspec.json.Decoder(GradedCompletion).decode_lines(gzip.decompress(body))
