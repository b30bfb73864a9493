"""Prompts' lengths as ranges, and what a job makes of them."""

import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.prompt_lengths import BINS, PROMPT_TOKENS, TURN_TOKENS, PromptLengths
from rft_dataset.records import Row


def seen(
    texts: list[str],
    job: Hyperparameters | None = None,
    rate: tuple[float, float] | None = None,
    tools: list[JsonValue] | None = None,
) -> PromptLengths:
    lengths = PromptLengths("train.jsonl", job, characters_per_token=rate)
    for line, text in enumerate(texts, 1):
        row: JsonObject = {"messages": [{"role": "user", "content": text}], "tools": tools}
        lengths.see(line, msgspec.json.decode(json.dumps(row).encode(), type=Row))
    return lengths


def tokens(text: str, rate: tuple[float, float] | None = None, tools: list[JsonValue] | None = None) -> tuple[int, int]:
    told = msgspec.convert(seen([text], rate=rate, tools=tools).facts()["prompt_lengths"], dict[str, object])
    fewest, most = (msgspec.convert(told[name], dict[str, int])["50"] for name in ("fewest_tokens", "most_tokens"))
    if rate is not None:
        return fewest, most
    return fewest - PROMPT_TOKENS[0] - TURN_TOKENS[0], most - PROMPT_TOKENS[1] - TURN_TOKENS[1]


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("a" * 500, 100, 200),
        ("7" * 300, 100, 300),
        ("é" * 400, 100, 400),
        ("я" * 400, 100, 400),
        ("中" * 220, 100, 440),
        ("த" * 220, 100, 440),
        ("🙂" * 100, 100, 400),
        ("a" * 500 + "中" * 220, 200, 640),
    ],
)
def test_characters_by_their_script(text: str, fewest: int, most: int) -> None:
    assert tokens(text) == pytest.approx((fewest, most), abs=1)


PUBLISHED = [
    ("நீ எப்படி இருக்கிறாய்? நான் நல்லா இருக்கேன்.", 68),
    ("நீ எப்படி இருக்கிறாய்? நான் நல்லா இருக்கேன்.", 21),
]
"""Text and the tokens that a public tokenizer makes of it (older and newer vocabulary of OpenAI)."""


@pytest.mark.parametrize(("text", "published"), PUBLISHED)
def test_published_counts_lie_in_the_range(text: str, published: int) -> None:
    fewest, most = tokens(text)
    assert fewest <= published <= most


def test_a_measured_rate_takes_the_place_of_the_table() -> None:
    assert tokens("a" * 400, rate=(3.2, 4.0)) == (100, 125)


def test_tools_are_part_of_the_prompt() -> None:
    function: JsonObject = {
        "name": "f",
        "description": "d" * 900,
        "parameters": {"type": "object", "properties": {}, "required": []},
    }
    tools: list[JsonValue] = [{"type": "function", "function": function}]
    assert tokens("a" * 500, tools=tools)[0] >= 280


def test_every_turn_costs_tokens() -> None:
    row: JsonObject = {"messages": [{"role": "user", "content": "a" * 50}] * 4}
    lengths = PromptLengths("train.jsonl")
    lengths.see(1, msgspec.json.decode(json.dumps(row).encode(), type=Row))
    told = msgspec.convert(lengths.facts()["prompt_lengths"], dict[str, object])
    assert told["fewest_tokens"] == dict.fromkeys(
        ("0", "50", "90", "99", "100"), 40 + PROMPT_TOKENS[0] + 4 * TURN_TOKENS[0]
    )


JOB = Hyperparameters(maxPromptLength=100, batchSize=16, epochCount=2)


def test_prompts_that_are_dropped_and_that_may_be() -> None:
    lengths = seen(["a" * 150, "a" * 300, "a" * 600, *["a" * 40] * 157], JOB)
    assert [(finding.line, finding.code, finding.message) for finding in lengths.findings()] == [
        (2, "prompt-maybe-too-long", "65 to 156 tokens, estimated; maxPromptLength is 100"),
        (3, "prompt-too-long", "125 to 276 tokens, estimated; maxPromptLength is 100"),
    ]
    facts = lengths.facts()
    assert facts["kept"] == {"certain": 158, "possible": 159, "rows": 160}
    assert facts["steps"] == {"fewest": 20, "most": 20}


def test_too_few_steps_are_left() -> None:
    lengths = seen(["a" * 40] * 60 + ["a" * 300] * 10, JOB)
    (finding,) = [finding for finding in lengths.findings() if finding.code == "few-steps"]
    assert finding.message == "8 to 10 training steps with batchSize 16 and epochCount 2"


def test_no_prompt_is_certain_to_stay() -> None:
    (found,) = [finding for finding in seen(["a" * 300] * 120, JOB).findings() if not finding.line]
    assert (found.code, found.severity) == ("few-steps", "warning")
    assert found.message == "0 to 16 training steps with batchSize 16 and epochCount 2"


def test_no_prompt_stays() -> None:
    (found,) = [finding for finding in seen(["a" * 600] * 120, JOB).findings() if not finding.line]
    assert (found.code, found.severity) == ("no-steps-left", "error")
    assert found.message == "every prompt is longer than maxPromptLength, 100 tokens; the shortest has at least 125"


def test_without_a_job_nothing_is_too_long() -> None:
    lengths = seen(["a" * 100_000])
    assert list(lengths.findings()) == []
    assert "steps" not in lengths.facts()


def test_an_empty_dataset_has_no_lengths() -> None:
    lengths = PromptLengths("train.jsonl", JOB)
    assert list(lengths.findings()) == []
    assert "steps" not in lengths.facts()


def test_the_histogram_has_every_row_and_its_fate() -> None:
    draw = random.Random(0)
    lengths = seen(["a" * draw.randint(1, 2_000) for _ in range(300)] + ["a" * 5_000_000], JOB)
    told = msgspec.convert(lengths.facts()["prompt_lengths"], dict[str, object])
    bins = msgspec.convert(told["histogram"], list[dict[str, int]])
    assert sum(item["rows"] for item in bins) == 301
    codes = [finding.code for finding in lengths.findings()]
    assert sum(item["too_long"] for item in bins) == codes.count("prompt-too-long")
    assert sum(item["maybe_too_long"] for item in bins) == codes.count("prompt-maybe-too-long")
    assert [item["from"] for item in bins[1:]] == [item["to"] for item in bins[:-1]]
    assert bins[-1]["to"] == BINS[-1]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.text(max_size=50), st.text(max_size=50))
def test_a_range_is_a_range_and_grows_with_the_text(first: str, second: str) -> None:
    fewest, most = tokens(first)
    assert 0 <= fewest <= most <= len(first.encode("utf-8", "surrogatepass")) + 1
    longer = tokens(first + second)
    assert longer[0] >= fewest
    assert longer[1] >= most
