"""Near duplicates: what is only written differently or changed by a word is found, another problem is not."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonValue
from rft_dataset.findings import Finding
from rft_dataset.prompt_index import MOST_COMPARED, PromptIndex
from rft_dataset.prompt_sketch import LONGEST_COMPARED, MOST_PAIRS, PAIR_BYTES, sketch
from rft_dataset.prompt_words import words
from rft_dataset.records import Message, Row
from rft_dataset.similar_prompts import Prompts

CASES = json.loads((Path(__file__).parents[1] / "cases" / "similar_prompts.json").read_text(encoding="utf-8"))
WORDS = tuple(map("".join, product(("ba", "de", "ki", "lo", "mu", "ra", "si", "to", "vu"), repeat=3)))
SEEDS = st.integers(0, 10_000)


def row(prompt: str | list[Message], answer: JsonValue = "1") -> Row:
    messages = [Message(role="user", content=prompt)] if isinstance(prompt, str) else prompt
    return Row(messages=messages, reference_answer=msgspec.Raw(msgspec.json.encode(answer)))


def prompts(rows: Sequence[Row], file: str = "train.jsonl") -> Prompts:
    seen = Prompts(file)
    for line, one in enumerate(rows, 1):
        seen.see(line, one)
    return seen


def leaks(train: Sequence[Row], held_out: Sequence[Row]) -> list[Finding]:
    return list(prompts(train).leaks_into(prompts(held_out, "held_out.jsonl"), prefix="leak-"))


def some_words(chance: random.Random, count: int) -> list[str]:
    return chance.sample(WORDS, count)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_pairs_of_the_table(case: dict[str, Any]) -> None:
    answer, other_answer = case.get("answers", ["1", "1"])
    for one, other in (case["one"], case["other"]), (case["other"], case["one"]):
        found = leaks([row(one, answer)], [row(other, other_answer)])
        assert [finding.code for finding in found] == ([case["code"]] if case["code"] else [])


def test_words_have_one_form() -> None:
    text = "Janet’s 3 ice-creams: $1,234.50, (-2) × 0.50 − 4/5; Ninety-nine twenty fiver 007"
    assert words(text) == (
        "janets 3 ice creams 1234.5 -2 * 0.5 - 4 / 5 99 20 fiver 7".split()  # noqa: SIM905
    )


@settings(max_examples=100, derandomize=True)
@given(st.text(max_size=80), st.sampled_from(["upper", "lower", "title", "swapcase"]))
def test_case_and_spaces_of_any_text_do_not_matter(text: str, how: str) -> None:
    if getattr(text, how)().casefold() != text.casefold():  # a few scripts have no way back
        return
    other = "  ".join(getattr(text, how)().split(" "))
    first, second = sketch(1, row(text)), sketch(1, row(other))
    assert (first.folded, first.said, first.frame) == (second.folded, second.said, second.frame)


@settings(max_examples=100, derandomize=True)
@given(SEEDS, st.integers(6, 150), st.booleans())
def test_one_word_among_many_rows_is_found(seed: int, length: int, is_added: bool) -> None:
    chance = random.Random(seed)
    train = [some_words(chance, length) for _ in range(20)]
    copy = list(train[7])
    at = chance.randrange(length)
    copy[at : at + (not is_added)] = ["other"]
    found = leaks([row(" ".join(text)) for text in train], [row(" ".join(copy))])
    assert [(finding.line, finding.code, finding.message) for finding in found] == [
        (1, "leak-similar-prompt", "like the prompt of train.jsonl:8")
    ]


@settings(max_examples=100, derandomize=True)
@given(SEEDS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_another_number_is_another_problem(seed: int, number: int, other: int) -> None:
    text = " ".join(some_words(random.Random(seed), 30))
    found = leaks([row(f"{text} {number:,} left")], [row(f"{text} {other}.00 left")])
    assert bool(found) == (number == other)


def test_within_a_file_identical_prompts_are_left_to_the_checks_of_rows() -> None:
    text = " ".join(WORDS[:12])
    rows = [row(text), row(text), row(text.upper()), row(text.upper()), row(f"{text}!", "2"), row(f"so {text}")]
    assert [(finding.line, finding.code, finding.message) for finding in prompts(rows).findings()] == [
        (3, "similar-prompt", "like the prompt of line 1"),
        (5, "similar-prompt", "like the prompt of line 1, but their reference answers differ"),
        (6, "similar-prompt", "like the prompt of line 1"),
    ]


def test_the_most_similar_partner_is_named() -> None:
    text = list(WORDS[:40])
    nearer = ["so", *text[1:]]
    found = leaks([row(" ".join(text)), row(" ".join(nearer))], [row(" ".join(["so", "then", *text[1:]]))])
    assert [finding.message for finding in found] == ["like the prompt of train.jsonl:2"]


def test_of_equally_similar_partners_the_first_is_named() -> None:
    rows = [row(" ".join([*WORDS[:9], word, *WORDS[10:20]])) for word in ("some", "other", "more")]
    assert [finding.message for finding in leaks(rows[:2], rows[2:])] == ["like the prompt of train.jsonl:1"]


def test_a_partner_with_the_same_text_is_named_before_one_that_is_written_differently() -> None:
    found = leaks([row("Is it late?"), row("is it late")], [row("Is it late")])
    assert [(finding.code, finding.message) for finding in found] == [("leak-prompt", "the prompt of train.jsonl:2")]


def test_rows_of_a_template_with_other_numbers_never_meet() -> None:
    index = PromptIndex([])
    texts = [" ".join([*WORDS[:20], str(number), *WORDS[20:30]]) for number in range(3 * MOST_COMPARED)]
    for line, text in enumerate(texts, 1):
        assert index.nearest_then_add(sketch(line, row(text))) is None
    assert len(index) == len(texts)
    nearest = index.nearest(sketch(1, row(f"so {texts[150]}")))
    assert nearest is not None
    assert nearest.line == 151


def test_facts_count_prompts_and_near_duplicates() -> None:
    text = " ".join(WORDS[:12])
    rows = [row(text), row(text.upper()), row(f"{text}?"), row("something else")]
    assert prompts(rows).facts() == {"distinct_prompts": 3, "near_duplicate_share": 0.5}
    assert prompts([]).facts() == {"distinct_prompts": 0, "near_duplicate_share": 0.0}


def test_an_instruction_in_every_prompt_tells_nothing() -> None:
    chance = random.Random(1)
    instruction = " ".join(WORDS[:80])
    texts = [" ".join(some_words(chance, 8)) for _ in range(200)]
    rows = [row(f"{instruction} {text}", number % 3) for number, text in enumerate(texts)]
    assert not list(prompts(rows).findings())
    changed = " ".join(["other", *texts[9].split()[1:]])
    assert [finding.message for finding in leaks(rows, [row(f"{instruction} {changed}", 0)])] == [
        "like the prompt of train.jsonl:10"
    ]


def test_rows_of_a_template_are_different_prompts() -> None:
    template = "Please tell me which big river flows through the old town of {} and where it ends"
    rows = [row(template.format(word), number % 2) for number, word in enumerate(WORDS[:300])]
    assert not list(prompts(rows[:250]).findings())
    assert not leaks(rows[:250], rows[250:])


def test_prompts_with_one_answer_are_similar_however_many_there_are() -> None:
    chance = random.Random(1)
    rows = []
    for _ in range(2_000):
        text = list(WORDS[:46])
        text[chance.randrange(46)] = chance.choice(WORDS[100:])
        rows.append(row(" ".join(text)))
    assert len(list(prompts(rows).findings())) > 0.9 * len(rows)
    index = PromptIndex([])
    for line, one in enumerate(rows, 1):
        index.nearest_then_add(sketch(line, one))
    assert len(index) == MOST_COMPARED


def test_steps_of_a_conversation_are_different_prompts() -> None:
    chance = random.Random(1)
    history = [Message(role="user", content=" ".join(some_words(chance, 80)))]
    steps = []
    for answer in ("yes", "no", "42", "the file is empty", "the disk is full"):
        steps.append(row(list(history)))
        steps.append(row([*history, Message(role="tool", content=answer)]))
        history += [Message(role="assistant", content="go on"), Message(role="tool", content="done")]
    siblings = [row([*history, Message(role="user", content=word)]) for word in ("continue", "stop", "undo this now")]
    assert not list(prompts([*steps, *siblings]).findings())
    long = " ".join(some_words(chance, 10))
    copies = [row([*history, Message(role="user", content=f"{long}{end}")]) for end in ("", " please")]
    assert [finding.line for finding in prompts(copies).findings()] == [2]


def test_long_prompts_are_bounded_and_compared_at_their_ends() -> None:
    chance = random.Random(1)
    document = chance.choices(WORDS, k=8_000)
    question = some_words(chance, 8)
    train = row(" ".join(document + question))
    assert len(sketch(1, train).pairs) == MOST_PAIRS * PAIR_BYTES
    middle = [*document[:4_000], "other", *document[4_001:]]
    assert len(leaks([train], [row(" ".join(middle + question))])) == 1
    assert not leaks([train], [row(" ".join(document + some_words(chance, 8)))])
    assert not leaks([train], [row(" ".join([*document[:4_000], "7", *document[4_001:], *question]))])


def test_the_words_of_huge_prompts_are_not_looked_at() -> None:
    huge = "A-b " * (LONGEST_COMPARED // 4 + 1)
    assert [finding.code for finding in leaks([row(huge)], [row(huge.lower())])] == ["leak-prompt"]
    assert not leaks([row(huge)], [row(huge.replace("-", ""))])


def test_findings_hold_no_text_of_the_data() -> None:
    found = [
        *leaks([row("canary birds sing in many mines")], [row("canary birds sing in most mines")]),
        *prompts([row("canary!"), row("Canary?")]).findings(),
    ]
    assert len(found) == 2
    assert not any("canary" in str(finding).casefold() for finding in found)


def test_findings_do_not_depend_on_the_seed_of_hashes() -> None:
    program = (
        "import random\n"
        "from test_dataset_similar_prompts import WORDS, prompts, row\n"
        "chance = random.Random(1)\n"
        "texts = [[*WORDS[n : n + 8], chance.choice(WORDS)] for n in range(0, 700, 20) for _ in range(4)]\n"
        "print(*prompts([row(' '.join(text), n % 2) for n, text in enumerate(texts)]).findings(), sep='\\n')\n"
    )
    paths = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert "similar-prompt" in outputs.pop()
