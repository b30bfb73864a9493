"""Calibration of judges: the statistics, the data, the verdict, and for which rewards it speaks."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.fence import read_fenced
from rft_rewards.judge_question import Answer, Question, Refusal
from rft_runtime import rank_statistics
from rft_runtime.calibration import (
    Calibration,
    calibration_check,
    decode_calibration,
    encode_calibration,
)
from rft_runtime.certificate import Verdict
from rft_runtime.judge_calibration import calibrate, retest_spread
from rft_runtime.labelled import LabelledItem, LabelledPair, read_labelled
from rft_runtime.rank_statistics import bootstrap_interval_of, partial_spearman, ranks, spearman, weighted_kappa

MODEL = "openai.gpt-oss-120b-1:0"
RUBRIC = "scale: 0 to 10\nIs it good?"
OPTIONS: dict[str, Any] = {"model": MODEL, "rubric": RUBRIC}
PROMPT: list[Any] = [{"role": "user", "content": "Write."}]
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_statistics, "RESAMPLES", 200)


def test_ties_share_their_rank() -> None:
    assert ranks([10, 20, 20, 5]) == [2, 3.5, 3.5, 1]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 400], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826817),  # the textbook example with one tie
        ([1, 1, 1], [1, 2, 3], 0),
    ],
)
def test_spearman(first: list[float], second: list[float], found: float) -> None:
    assert spearman(first, second) == pytest.approx(found)


def test_partial_correlation_takes_the_third_out() -> None:
    draw = random.Random(1)
    label = [draw.random() for _ in range(400)]
    length = [one + 0.2 * draw.random() for one in label]
    judged = [one + 0.2 * draw.random() for one in label]
    assert spearman(judged, length) > 0.8 and abs(partial_spearman(judged, length, label)) < 0.15
    assert partial_spearman(length, length, label) == pytest.approx(1)
    assert partial_spearman(label, length, label) == 0


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ([1, 0, -1], [1, 0, -1], 1),
        ([1, -1, 1, -1], [-1, 1, -1, 1], -1),
        ([1, 1, 1, 1], [1, 0, -1, 1], 0),
        ([1, 1, -1, -1], [1, 0, -1, -1], 1 - 0.25 / (1 + 0.6875 + 0.0625)),
    ],
)
def test_weighted_kappa(first: list[int], second: list[int], found: float) -> None:
    assert weighted_kappa(first, second) == pytest.approx(found)


@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=30))
@QUICK
def test_statistics_stay_within_their_bounds(rows: list[tuple[int, int]]) -> None:
    first, second = [one for one, _ in rows], [two for _, two in rows]
    assert -1.0000001 <= spearman(first, second) <= 1.0000001
    assert weighted_kappa(first, second) <= 1
    assert weighted_kappa(first, [0] * len(first)) <= 1e-9


def test_a_bootstrap_interval_covers_the_mean_and_is_the_same_each_time() -> None:
    rows = [float(number % 7) for number in range(100)]
    interval = bootstrap_interval_of(rows, lambda drawn: sum(drawn) / len(drawn))
    assert interval == bootstrap_interval_of(rows, lambda drawn: sum(drawn) / len(drawn))
    assert interval.low < sum(rows) / 100 < interval.high
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2 / 10, rel=0.3)


def test_the_retest_spread_is_pooled_over_completions() -> None:
    assert retest_spread([[5, 5, 5], [1, 1, 1]]) == 0
    assert retest_spread([[4, 6], [1, 1], [None, 9]]) == pytest.approx(1)
    assert retest_spread([]) == 0


def words(count: int, seed: int = 0) -> str:
    draw = random.Random(seed)
    return " ".join(f"w{draw.randrange(1000)}" for _ in range(count))


@cache
def items(count: int = 80) -> tuple[LabelledItem, ...]:
    """Completions that say how good they are; their length says nothing."""
    draw = random.Random(2)
    return tuple(
        LabelledItem(
            prompt=PROMPT, completion=f"quality {number % 6} {words(draw.randrange(1, 80), number)}", label=number % 6
        )
        for number in range(count)
    )


@cache
def pairs(count: int = 80) -> tuple[LabelledPair, ...]:
    draw = random.Random(3)
    found = []
    for number in range(count):
        first, second = draw.randrange(6), draw.randrange(6)
        texts = [f"quality {quality} {words(draw.randrange(1, 80), number)}" for quality in (first, second)]
        label = (first > second) - (first < second)
        found.append(LabelledPair(prompt=PROMPT, first=texts[0], second=texts[1], label=label))
    return tuple(found)


@dataclass
class ReadingJudge:
    """Reads the quality that a completion states, with noise and biases.

    Args:
        noise: Standard deviation of a grade.
        verbosity: Grades for every 10 words.
        place: Grades for being first.
        blind: Whether it grades by length alone.
        refused: Share of its answers that are none.
        stand_in: Its name when it is one.
    """

    noise: float = 0.0
    verbosity: float = 0.0
    place: float = 0.0
    blind: bool = False
    refused: float = 0.0
    stand_in: str | None = None
    draw: random.Random = field(default_factory=lambda: random.Random(4))
    asked: int = 0

    def ask(self, questions: Sequence[Question], /) -> list[Answer | Refusal]:
        self.asked += len(questions)
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer | Refusal:
        if self.draw.random() < self.refused:
            return Refusal(reason="judge-throttled", transient=True)
        parts = read_fenced(question.user)
        answer: dict[str, Any] = {"reason": "read"}
        for name in question.grades:
            text = parts[{"grade": "answer"}.get(name, name)]
            _, quality, *rest = text.split()
            grade = len(rest) / 20 if self.blind else 1.6 * int(quality) + self.verbosity * len(rest) / 10
            grade += self.place * (name == "first") + self.draw.gauss(0, self.noise)
            answer[name] = max(0, min(10, round(grade)))
        return Answer(text=json.dumps(answer), tokens_in=10, tokens_out=2, stand_in=self.stand_in)


def calibrated(asking: Any, labelled: Any = None, **more: Any) -> Calibration:
    return calibrate(asking, labelled or items(), OPTIONS, labels_sha256="ab", repeats=more.pop("repeats", 2), **more)


def test_a_good_judge_passes() -> None:
    found = calibrated(ReadingJudge(noise=0.5))
    assert found.verdict is Verdict.PASSED and found.statistic == "spearman" and found.count == 80
    assert found.agreement.low > 0.8 and found.constant == 0 and abs(found.length.value) < 0.4
    assert 0.3 < found.retest_spread < 0.8 and abs(found.verbosity_bias.value) < 0.3
    assert found.position_bias is None and found.same_share is None and found.stand_in is None
    assert (found.tokens_in, found.tokens_out) == (1600, 320)


@pytest.mark.parametrize(
    ("asking", "reason"),
    [
        (ReadingJudge(blind=True), "length alone gets|a constant gets"),
        (ReadingJudge(noise=30), "a constant gets|length alone"),
        (ReadingJudge(refused=0.2), "were not graded"),
    ],
)
def test_a_judge_that_is_not_surely_above_the_baselines_fails(asking: ReadingJudge, reason: str) -> None:
    found = calibrated(asking)
    assert found.verdict is Verdict.FAILED and re.search(reason, found.reason), found.reason


def test_a_length_predictor_that_agrees_is_a_bar() -> None:
    """Where the better completions are the longer ones, agreeing no more than length does proves nothing."""
    labelled = [
        LabelledItem(
            prompt=PROMPT, completion=f"quality {number % 6} {words(1 + 10 * (number % 6), number)}", label=number % 6
        )
        for number in range(80)
    ]
    found = calibrated(ReadingJudge(blind=True), labelled)
    assert found.length.value > 0.95 and found.verdict is Verdict.FAILED


def test_verbosity_bias_is_seen() -> None:
    assert calibrated(ReadingJudge(verbosity=0.5)).verbosity_bias.low > 0.5


@pytest.mark.parametrize("place", [0.0, 2.0])
def test_pairs_show_agreement_and_the_place_bias(place: float) -> None:
    asking = ReadingJudge(noise=0.3, place=place)
    found = calibrated(asking, pairs())
    assert found.statistic == "weighted_kappa" and found.agreement.low > 0.7 and found.verdict is Verdict.PASSED
    assert found.same_share is not None and found.constant_share is not None
    assert found.same_share > 0.8 > found.constant_share
    assert found.position_bias is not None
    assert (found.position_bias.low > 1) == (place > 0)
    assert asking.asked == 2 * 160 + 160


def test_too_little_is_said() -> None:
    with pytest.raises(ValueError, match="got 10 rows, wanted at least 50"):
        calibrated(ReadingJudge(), items()[:10])
    with pytest.raises(ValueError, match="judge-throttled"):
        calibrated(ReadingJudge(refused=1.0))
    with pytest.raises(ValueError, match="repeats: got 1"):
        calibrated(ReadingJudge(), repeats=1)
    with pytest.raises(ValueError, match="rubric: there is no"):
        calibrate(ReadingJudge(), items(), {**OPTIONS, "rubric": "none"}, labels_sha256="")


@pytest.mark.parametrize(
    ("change", "options", "objection"),
    [
        ({}, {}, None),
        ({}, {"rubric": RUBRIC + "!"}, "another rubric"),
        ({}, {"model": "us.amazon.nova-2-lite-v1:0"}, "another model"),
        ({}, {"temperature": 0.3}, "another model"),
        ({"prompt_sha256": "0"}, {}, "another prompt"),
        ({}, {"samples": 3, "temperature": 0.0}, "1 samples a grade, the reward asks for 3"),
        ({"retest_spread": 1.4}, {}, "retest_spread: got 0, the judge's own is 1.4"),
        ({"retest_spread": 1.4}, {"retest_spread": 1.5}, None),
        ({"verdict": Verdict.FAILED, "reason": "no better than length"}, {}, "no better than length"),
    ],
)
def test_a_calibration_speaks_only_for_what_was_calibrated(
    change: dict[str, Any], options: dict[str, Any], objection: str | None
) -> None:
    found = msgspec.structs.replace(calibrated(ReadingJudge()), **change)
    said = found.objection({**OPTIONS, **options}, is_local=False)
    assert said is None if objection is None else objection in str(said)
    check = calibration_check(found, {**OPTIONS, **options}, is_local=False)
    assert check.verdict is (Verdict.PASSED if objection is None else Verdict.FAILED)


def test_a_stand_ins_calibration_holds_locally_alone() -> None:
    found = calibrated(ReadingJudge(stand_in="judge-stand-in"))
    assert found.stand_in == "judge-stand-in"
    assert found.objection(OPTIONS, is_local=True) is None
    assert "embedded AWS alone" in str(found.objection(OPTIONS, is_local=False))


def test_a_missing_calibration_is_incomplete() -> None:
    assert calibration_check(None, {}, is_local=True).verdict is Verdict.INCOMPLETE


def test_the_file_is_read_back() -> None:
    found = calibrated(ReadingJudge())
    body = encode_calibration(found)
    assert decode_calibration(body) == found
    assert decode_calibration(body.replace(b'"schema_version": 1', b'"schema_version": 2')) is None
    assert decode_calibration(b"[]") is None


def lines(*rows: Any) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def pandalm_row(*votes: int) -> Any:
    annotators = {f"annotator{number}": vote for number, vote in enumerate(votes, start=1)}
    return {"instruction": "i", "input": "more", "response1": "a", "response2": "b", **annotators}


def test_labelled_data_is_read_in_each_form() -> None:
    one = read_labelled(lines({"prompt": "p", "completion": "c", "label": 4, "reference_answer": {"a": 1}}) + "\n\n")
    assert one == [
        LabelledItem(prompt=[{"role": "user", "content": "p"}], completion="c", label=4.0, reference={"a": 1})
    ]
    turns: list[Any] = [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]
    two = read_labelled(lines({"prompt": turns, "first": "a", "second": "b", "label": "second"}))
    assert two == [LabelledPair(prompt=turns, first="a", second="b", label=-1)]
    pandalm: list[Any] = read_labelled(
        json.dumps([pandalm_row(*votes) for votes in ((1, 1, 2), (2, 2, 2), (0, 1, 2), (0, 0, 1))])
    )
    assert [one.label for one in pandalm] == [1, -1, 0, 0]
    assert read_labelled(json.dumps([{**pandalm_row(1, 1, 1), "response2": True}])) == [
        replace(pandalm[0], second="True")
    ]
    assert pandalm[0].prompt == [{"role": "user", "content": "i\n\nmore"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[1]", "row 1: got int"),
        (lines({"prompt": "p", "completion": "c"}), "line 1: label: got None, wanted a number"),
        (lines({"prompt": "p", "completion": "c", "label": "good"}), "label: got 'good'"),
        (lines({"prompt": "p", "first": "a", "second": "b", "label": 1}), "label: got 1, wanted first"),
        (lines({"prompt": "p", "first": "a", "label": "tie"}), "second: got NoneType"),
        (lines({"prompt": "", "completion": "c", "label": 1}), "prompt: wanted"),
        (lines({"completion": "c", "label": 1}), "prompt: wanted"),
        (json.dumps([{"annotator1": 3, "annotator2": 1, "annotator3": 1}]), "row 1: annotators"),
        (
            lines(
                {"prompt": "p", "completion": "c", "label": 1},
                {"prompt": "p", "first": "", "second": "", "label": "tie"},
            ),
            "wanted one kind",
        ),
    ],
)
def test_bad_data_is_named_by_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        read_labelled(text)
    assert "\n" not in str(raised.value)
