"""Which training prompts Probe tries: a stratified sample, and how much each of its prompts counts.

Source: Cochran (1977), "Sampling Techniques". Chapter 5: each stratum is sampled by itself, and a prompt of it stands
for as many as the stratum has rows for each one drawn. Chapter 8: the rows of a stratum are drawn at equal steps
through their lengths, so that length is balanced within every difficulty or answer without more, and thinner, strata.
"""

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_contract.recipe import Recipe
from rft_runtime.conversation import text_of

DIFFICULTY = "difficulty"
REFERENCE = "reference"
LENGTH = "length"
_FEWEST_SAMPLES = 8
_MOST_STRATA = 20
_LEAST_OF_A_STRATUM = 2


def samples_of(recipe: Recipe) -> int:
    """Return the rollouts of each probed prompt: at least as many as a group of the job has, unless the recipe says."""
    return recipe.probe.samples or max(_FEWEST_SAMPLES, recipe.hyperparameters.trainingSamplePerPrompt)


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the training prompts that is sampled by itself.

    Args:
        rows: Training rows in it.
        prompts: Those that are probed.
    """

    rows: int
    prompts: int


class ProbeSample(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts of a probe, `runs/<run>/probe/sample.json`. It names strata by number: a label may be personal.

    Args:
        by: What the strata are: `difficulty` or `reference`; `length`: there is one, and its rows are spread by length.
        strata: All of them.
        rows: The probed rows of the frozen training set, ascending.
        stratum_of: The number of each one's stratum.
    """

    by: str
    strata: list[Stratum]
    rows: list[int]
    stratum_of: list[int]

    def weights(self) -> dict[int, float]:
        """Return row -> how many training rows it stands for."""
        return {
            row: self.strata[number].rows / self.strata[number].prompts
            for row, number in zip(self.rows, self.stratum_of, strict=True)
        }


@dataclass(frozen=True)
class Traits:
    """What training rows are divided by, one entry a row, without any of their text.

    Args:
        difficulties: A digest of the field `difficulty` or `difficulty_level`; empty where there is none.
        references: A digest of the reference answer.
        lengths: Characters of the conversation.
    """

    difficulties: list[bytes] = field(default_factory=list)
    references: list[bytes] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, row: JsonObject) -> None:
        """Note a row."""
        difficulty = row.get("difficulty", row.get("difficulty_level"))
        self.difficulties.append(b"" if difficulty is None else _digest(difficulty))
        self.references.append(_digest(row.get("reference_answer")))
        self.lengths.append(_length(row))


def draw_sample(traits: Traits, prompts: int, seed: str) -> ProbeSample:
    """Draw the prompts of a probe.

    Strata are the rows' difficulties where there are 2 to 20 of them, else their reference answers where there are as
    few, else all rows are one. In each, the prompts are spread over the lengths.

    Args:
        traits: Of all training rows, at least one.
        prompts: How many; all rows where there are no more.
        seed: The same seed draws the same rows.
    """
    by, classes = _strata(traits)
    members: dict[object, list[int]] = {}
    for row, name in enumerate(classes):
        members.setdefault(name, []).append(row)
    # By first row: the order of digests would say nothing, and differ from dataset to dataset.
    parts = list(members.values())
    numbers = allocate([len(part) for part in parts], prompts)
    draw = random.Random(seed)
    drawn = sorted(
        (row, number)
        for number, (part, count) in enumerate(zip(parts, numbers, strict=True))
        for row in _spread(part, count, traits.lengths, draw)
    )
    return ProbeSample(
        by=by,
        strata=[Stratum(rows=len(part), prompts=count) for part, count in zip(parts, numbers, strict=True)],
        rows=[row for row, _ in drawn],
        stratum_of=[number for _, number in drawn],
    )


def allocate(sizes: Sequence[int], total: int) -> list[int]:
    """Share a number among strata in proportion to their sizes, at least two to each where that many can be had.

    Source: Sainte-Lague (1910): each next one goes to the stratum with the largest `size / (2 * given + 1)`, which
    favours neither large nor small strata.

    Args:
        sizes: Rows of each stratum, at least 1.
        total: How many to share; no stratum gets more than it has.
    """
    total = min(total, sum(sizes))
    given = [min(size, _LEAST_OF_A_STRATUM) for size in sizes]
    if sum(given) > total:
        given = [0] * len(sizes)
    for _ in range(total - sum(given)):
        open_ = (number for number, size in enumerate(sizes) if given[number] < size)
        given[max(open_, key=lambda number: sizes[number] / (2 * given[number] + 1))] += 1
    return given


def _strata(traits: Traits) -> tuple[str, Sequence[object]]:
    if _is_few(traits.difficulties):
        return DIFFICULTY, traits.difficulties
    if _is_few(traits.references):
        return REFERENCE, traits.references
    return LENGTH, [LENGTH] * len(traits.lengths)


def _spread(rows: Sequence[int], count: int, lengths: Sequence[int], draw: random.Random) -> list[int]:
    """Draw rows at equal steps through their lengths, from a random start: each has exactly the same chance.

    Rows of one length come in random order, so that no step meets a pattern in the order of the file.
    """
    ordered = sorted(draw.sample(rows, len(rows)), key=lengths.__getitem__)
    start = draw.randrange(len(rows))
    return [ordered[(start + number * len(rows)) // count] for number in range(count)]


def _is_few(values: Iterable[bytes]) -> bool:
    return 2 <= len(set(values)) <= _MOST_STRATA


def _digest(value: JsonValue) -> bytes:
    return hashlib.blake2b(canonical(value).encode(), digest_size=8).digest()


def _length(row: Mapping[str, JsonValue]) -> int:
    turns = row.get("messages")
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    return sum(_characters(content) for content in contents)


def _characters(content: JsonValue) -> int:
    try:
        return len(text_of(content))
    except ValueError:
        return 0
