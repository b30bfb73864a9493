"""Training prompts beside production's: the same source is called the same, a shift is named."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from rft_dataset.records import Row
from rft_runtime.production_match import FEWEST_PROMPTS, Match, match

_WORDS = json.loads((Path(__file__).parents[1] / "cases" / "prompt_words.json").read_text())
ENGLISH, GERMAN, TOPIC = (_WORDS[name].split() for name in ("english", "german", "mathematical"))
Words = Sequence[str]


def prompt(draw: random.Random, *, words: Words = ENGLISH, longer: float = 1, system: str = "Be brief.") -> Row:
    number = max(4, round(longer * draw.lognormvariate(2.7, 0.5)))
    text = "I have a question about my " + " ".join(draw.choices(words, k=number)) + f" {draw.randrange(10**6)}?"
    turns = [{"role": "system", "content": system}] if system else []
    return msgspec.convert({"messages": [*turns, {"role": "user", "content": text}]}, Row)


def rows(number: int, seed: int, make: Callable[[random.Random], Row] = prompt) -> list[Row]:
    draw = random.Random(seed)
    return [make(draw) for _ in range(number)]


def verdicts(found: Match) -> dict[str, str]:
    return {measure.name: measure.verdict for measure in (*found.measures, found.overall)}


def test_samples_of_one_source_are_the_same_for_95_in_100_seeds() -> None:
    found = [match(rows(90, 2 * seed), rows(120, 2 * seed + 1)) for seed in range(40)]
    assert sum(one.verdict == "same" for one in found) >= 38


SHIFTS: dict[str, tuple[Callable[[random.Random], Row], set[str]]] = {
    "longer": (lambda draw: prompt(draw, longer=2.5), {"length", "classifier"}),
    "another language": (
        lambda draw: prompt(draw, words=GERMAN if draw.random() < 0.6 else ENGLISH),
        {"language", "vocabulary", "classifier"},
    ),
    "another topic": (lambda draw: prompt(draw, words=TOPIC), {"vocabulary", "classifier"}),
    "another system prompt": (lambda draw: prompt(draw, system="You are a poet."), {"system prompts", "classifier"}),
    "no system prompt": (lambda draw: prompt(draw, system=""), {"system prompts", "classifier"}),
}


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_shift_is_named(shift: str) -> None:
    make, expected = SHIFTS[shift]
    found = match(rows(200, 1), rows(200, 2, make))
    assert expected <= {name for name, verdict in verdicts(found).items() if verdict == "differs"}
    assert found.verdict == "differs"
    if shift in ("another system prompt", "no system prompt"):
        assert verdicts(found)["length"] == verdicts(found)["vocabulary"] == "same"
        assert found.system_seen == 0


def test_what_production_repeats_and_training_lacks_is_named() -> None:
    frequent = rows(10, 7)
    draw = random.Random(8)
    production = [draw.choice(frequent) if draw.random() < 0.5 else one for one in rows(400, 9)]
    found = match(rows(200, 10), production)
    assert verdicts(found)["unseen prompts"] == "differs"
    assert found.production_seen == 0
    assert found.production.prompts == 400
    assert found.production.different < 250
    repeated = match([*frequent, *rows(190, 11)], production)
    assert verdicts(repeated)["unseen prompts"] == "same"
    assert repeated.production_seen == pytest.approx(0.5, abs=0.06)
    assert repeated.training_seen == pytest.approx(0.05)


def test_a_set_without_copies_looks_like_a_production_that_repeats_itself() -> None:
    source = rows(300, 12)
    draw = random.Random(13)
    production = [draw.choice(source) for _ in range(600)]
    assert match(source[:250], production).verdict == "same"


def test_differences_say_what_to_do() -> None:
    found = match(rows(200, 1), rows(200, 2, SHIFTS["another language"][0]))
    words = {measure.name: measure.words for measure in found.measures}
    assert "de" in words["language"]
    assert words["system prompts"] == "no difference beyond chance"
    assert set(found.production.words) & set(map(str.casefold, GERMAN))
    assert found.training.languages["en"] > 0.9
    assert len(found.training.lengths) == 101
    assert list(found.training.lengths) == sorted(found.training.lengths)


@pytest.mark.parametrize(("train", "asked"), [(FEWEST_PROMPTS - 1, 200), (200, FEWEST_PROMPTS - 1), (1, 1)])
def test_of_few_prompts_nothing_is_said(train: int, asked: int) -> None:
    found = match(rows(train, 1), rows(asked, 2, SHIFTS["longer"][0]))
    assert found.verdict == "unknown"
    assert set(verdicts(found).values()) == {"unknown"}
    assert "too little is known" in found.overall.words


def test_the_same_prompts_give_the_same_numbers() -> None:
    first, second = rows(100, 1), rows(150, 2)
    assert match(first, second) == match(first, second)


def test_every_number_is_a_share() -> None:
    found = match(rows(100, 1), rows(100, 2, SHIFTS["another topic"][0]))
    for measure in (*found.measures, found.overall):
        assert 0 <= measure.value <= 1
        assert 0 <= measure.noise <= 1
