"""How long prompts are in tokens, as far as that can be known, and what a job makes of them.

Nova's tokenizer is not public, so lengths are ranges. `RATES` says how many characters a token stands for at least and
at most, by how many bytes UTF-8 takes for a character, which tells scripts apart well enough and costs next to nothing.
Where a rate was measured (Converse returns `usage.inputTokens`), it takes their place.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import ceil, floor, sqrt
from typing import NamedTuple

import msgspec

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.findings import Finding
from rft_dataset.records import Row
from rft_dataset.rules import finding

FEW_STEPS = 10
"""Training steps below which a curve shows next to nothing."""

TURN_TOKENS = (3, 6)
"""Tokens that a chat template adds to a turn: marks of its beginning and end, and the role."""

PROMPT_TOKENS = (2, 30)
"""Tokens that it adds to a prompt: where the answer begins, and in some (Qwen2.5, SmolLM2) a system turn of its own."""

BINS = tuple(round(16 * 2 ** (place / 8)) for place in range(121))
"""Edges of the histogram in tokens, eight to an octave, from 16 to 524,288; what lies outside is in the outer bins."""

QUANTILES = (0, 50, 90, 99, 100)


class Rate(NamedTuple):
    """How many characters a token stands for.

    Args:
        least: At least: gives the most tokens.
        most: At most: gives the fewest tokens.
    """

    least: float
    most: float


RATES = {
    "d": Rate(1, 3),
    "a": Rate(2.5, 5),
    "2": Rate(1, 4),
    "3": Rate(0.5, 2.2),
    "4": Rate(0.25, 1),
}
"""Class of a character -> its rate.

d: digits, which byte-pair tokenizers take one, two or three at a time (Singh and Strouse 2024, "Tokenization counts").
a: other ASCII. English prose has about 4 (OpenAI, "What are tokens and how to count them") to 3.3 (DeepSeek API, "Token
   and token usage") characters a token; code and tables have fewer, short prompts of common words up to 5.
2: two bytes in UTF-8: accented Latin, Greek, Cyrillic, Hebrew, Arabic. A token a letter where the vocabulary hardly
   knows the script, as English where it does (OpenAI, "Hello GPT-4o", compares 20 languages in two vocabularies).
3: three bytes: Chinese 1.7 (DeepSeek); Japanese, Korean, Thai and the scripts of India too, such as Tamil with 0.6 in
   OpenAI's older and 2.1 in its newer vocabulary (N. Kumar, "Understanding multilingual token compression").
4: four bytes, mostly emoji: at most a token a byte, since byte-pair tokenizers start from bytes.

With SmolLM2's tokenizer (49,152 tokens), all of 7,473 prompts of GSM8K lie in their ranges, 162 of 164 of HumanEval and
989 of 999 of PandaLM.
"""

_CLASS_OF_BYTE = b"a" * 48 + b"d" * 10 + b"a" * 70 + b"-" * 64 + b"2" * 32 + b"3" * 16 + b"4" * 16
"""Class of the character that a byte begins, for `bytes.translate`; - for the bytes that continue one (RFC 3629)."""


class PromptLengths:
    """The prompts' lengths of one dataset (a `RowReader`): all turns with what the chat template adds, and tools.

    Args:
        file: Name of the dataset.
        hyperparameters: The job's. None: unknown, and only lengths are told.
        characters_per_token: The least and the most that was measured on whole prompts, instead of `RATES`.
    """

    def __init__(
        self,
        file: str,
        hyperparameters: Hyperparameters | None = None,
        *,
        characters_per_token: tuple[float, float] | None = None,
    ) -> None:
        self._file = file
        self._hyperparameters = hyperparameters
        self._measured = Rate(*characters_per_token) if characters_per_token else None
        self._lines = array("L")
        self._characters = array("L")
        self._fewest = array("L")
        self._most = array("L")

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        text = prompt_text(row)
        fewest, most = _tokens(text, len(row.messages), self._measured)
        self._lines.append(line)
        self._characters.append(len(text))
        self._fewest.append(fewest)
        self._most.append(most)

    def findings(self) -> Iterator[Finding]:
        """Yield the prompts that Bedrock drops or may drop, and whether enough steps are left."""
        job = self._hyperparameters
        if job is None or not self._lines:
            return
        limit = job.maxPromptLength
        for line, fewest, most in zip(self._lines, self._fewest, self._most, strict=True):
            if most > limit:
                code = "prompt-too-long" if fewest > limit else "prompt-maybe-too-long"
                message = f"{_range(fewest, most)} tokens, estimated; maxPromptLength is {limit:,}"
                yield finding(self._file, line, code, message, "$.messages")
        certain, possible = self._kept(limit)
        if not possible:
            message = f"every prompt is longer than maxPromptLength, {limit:,} tokens; the shortest has at least "
            yield finding(self._file, 0, "no-steps-left", f"{message}{min(self._fewest):,}")
        elif (fewest := job.steps(certain)) < FEW_STEPS:
            left = f"{_range(fewest, job.steps(possible))} training steps"
            message = f"{left} with batchSize {job.batchSize} and epochCount {job.epochCount}"
            yield finding(self._file, 0, "few-steps", message)

    def facts(self) -> JsonObject:
        """Return lengths, and with a job's hyperparameters which prompts stay and the training steps that are left."""
        facts: JsonObject = {
            "prompt_lengths": {
                "characters": _quantiles(self._characters),
                "fewest_tokens": _quantiles(self._fewest),
                "most_tokens": _quantiles(self._most),
                "histogram": self._histogram(),
            }
        }
        if self._hyperparameters is not None and self._lines:
            certain, possible = self._kept(self._hyperparameters.maxPromptLength)
            facts["kept"] = {"certain": certain, "possible": possible, "rows": len(self._lines)}
            fewest, most = self._hyperparameters.steps(certain), self._hyperparameters.steps(possible)
            facts["steps"] = {"fewest": fewest, "most": most}
        return facts

    def _kept(self, limit: int) -> tuple[int, int]:
        """Return how many prompts are certain to stay, and how many may."""
        return sum(most <= limit for most in self._most), sum(fewest <= limit for fewest in self._fewest)

    def _histogram(self) -> list[JsonValue]:
        """Return the rows a bin of `BINS`, by the middle of each range; empty bins at the ends are left out."""
        limit = self._hyperparameters.maxPromptLength if self._hyperparameters else None
        bins: dict[int, list[int]] = {}
        for fewest, most in zip(self._fewest, self._most, strict=True):
            place = bisect_right(BINS, sqrt(fewest * most))
            fate = 0 if limit is None or most <= limit else 1 if fewest <= limit else 2
            bins.setdefault(min(max(place, 1), len(BINS) - 1) - 1, [0, 0, 0])[fate] += 1
        if not bins:
            return []
        told: list[JsonValue] = []
        for place in range(min(bins), max(bins) + 1):
            stay, maybe, too_long = bins.get(place, (0, 0, 0))
            told.append(
                {
                    "from": BINS[place],
                    "to": BINS[place + 1],
                    "rows": stay + maybe + too_long,
                    "maybe_too_long": maybe,
                    "too_long": too_long,
                }
            )
        return told


def token_range(row: Row) -> tuple[int, int]:
    """Return the fewest and the most tokens of a row's prompt, by `RATES`."""
    return _tokens(prompt_text(row), len(row.messages), None)


def prompt_text(row: Row) -> str:
    """Return all that a row's prompt says: its turns, and its tools and calls as JSON."""
    text = "".join([turn.text() for turn in row.messages])
    calls = [turn.tool_calls for turn in row.messages if turn.tool_calls]
    return text + msgspec.json.encode((row.tools, calls)).decode() if row.tools or calls else text


def _tokens(text: str, turns: int, measured: Rate | None) -> tuple[int, int]:
    """Return the fewest and the most tokens of a prompt; a measured rate has the chat template in it."""
    if measured:
        return floor(len(text) / measured.most), ceil(len(text) / measured.least)
    classes = text.encode("utf-8", "surrogatepass").translate(_CLASS_OF_BYTE)
    fewest = most = 0.0
    left = len(text)
    for name, rate in RATES.items():
        count = classes.count(name.encode())
        fewest += count / rate.most
        most += count / rate.least
        left -= count
        if not left:
            break
    least, greatest = (prompt + turns * turn for prompt, turn in zip(PROMPT_TOKENS, TURN_TOKENS, strict=True))
    return floor(fewest) + least, ceil(most) + greatest


def _quantiles(lengths: Sequence[int]) -> JsonObject:
    """Return percent -> length that so many of the prompts do not exceed."""
    ordered = sorted(lengths)
    return {str(percent): ordered[(len(ordered) - 1) * percent // 100] for percent in QUANTILES} if ordered else {}


def _range(fewest: int, most: int) -> str:
    """Return a range as people say it."""
    return f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
