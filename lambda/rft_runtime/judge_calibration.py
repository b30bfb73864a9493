"""Calibrating a judge: it is asked again and again about what people have labelled.

Its agreement with them is set beside that of a constant and of mere length; what its grades do when nothing has changed
is its retest spread; what they follow beside quality is its bias.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, variance
from typing import Any

from rft_rewards.batch import grade_all
from rft_rewards.grade import BatchGrader, Grade, Invalid, Score
from rft_rewards.judge import GRADE, judge
from rft_rewards.judge_prompt import JudgePrompt, read_grades, request_text
from rft_rewards.judge_question import Answer, Judge, Question, Refusal
from rft_rewards.sample import Sample
from rft_runtime.calibration import Calibration, Estimate, prompt_of
from rft_runtime.certificate import Verdict
from rft_runtime.labelled import LabelledItem, LabelledPair
from rft_runtime.rank_statistics import bootstrap_interval_of, partial_spearman, spearman, weighted_kappa

LEAST = 50
"""Labelled items, or pairs, that say anything."""

_MOST_UNGRADED = 0.05
_EVENT = 64

Labelled = Sequence[LabelledItem] | Sequence[LabelledPair]
"""All of one kind."""


@dataclass(frozen=True, slots=True)
class Observation:
    """An item, or a pair by its differences, first minus second.

    Args:
        judged: What the judge says.
        label: What people say.
        length: Characters.
    """

    judged: float
    label: float
    length: float


Statistic = Callable[[Sequence[Observation]], float]


def calibrate(
    asking: Judge,
    labelled: Labelled,
    options: Mapping[str, Any],
    *,
    labels_sha256: str,
    repeats: int = 3,
    tell: Callable[[str], None] = lambda words: None,
) -> Calibration:
    """Calibrate a judge. It grades each completion `repeats` times, as a reward would, and sees each pair twice.

    Args:
        asking: Asks the model.
        labelled: At least 50 items or pairs.
        options: Of the grader `judge`: the model, the rubric, and how it is asked.
        labels_sha256: Of the labelled data.
        repeats: How often each completion is graded, at least 2.
        tell: Told what is being done.

    Raises:
        ValueError: One line, when an option has the wrong form, or too little is labelled or could be graded.
    """
    if len(labelled) < LEAST:
        raise ValueError(f"labelled data: got {len(labelled)} rows, wanted at least {LEAST}")
    if repeats < 2:
        raise ValueError(f"repeats: got {repeats}, wanted at least 2: a grade's spread shows when it is asked again")
    meter, prompt = _Meter(asking), prompt_of(options)
    grader = judge(judge=meter, **options)
    samples = [sample for one in labelled for sample in _samples(one)]
    rounds = []
    for number in range(1, repeats + 1):
        tell(f"grading {len(samples):,} completions, time {number} of {repeats}")
        rounds.append(_graded(grader, samples))
    grades = [[_grade(grade, prompt) for grade in graded] for graded in rounds]
    spread = math.ceil(retest_spread(list(zip(*grades, strict=True))) * 100) / 100
    observations = observed(labelled, grades[0], prompt, spread)
    if len(observations) < LEAST:
        raise ValueError(
            f"only {len(observations)} of {len(labelled)} rows could be graded ({_most_common(rounds[0])}), "
            f"wanted at least {LEAST}"
        )
    pairs = [one for one in labelled if isinstance(one, LabelledPair)]
    if pairs:
        tell(f"showing {len(pairs):,} pairs in both orders")
    position = _position_bias(meter, prompt, pairs) if pairs else None
    tell("resampling")
    statistic = _kappa if pairs else _spearman
    agreement, length = _estimate(observations, statistic), _estimate(observations, _by_length(statistic))
    ungraded = sum(grade is None for grade in grades[0])
    verdict, reason = _verdict(agreement, length, ungraded / len(samples))
    hashes = prompt.hashes()
    return Calibration(
        model=prompt.model,
        samples=options.get("samples", 1),
        prompt_sha256=hashes["prompt_sha256"],
        rubric_sha256=hashes["rubric_sha256"],
        model_sha256=hashes["model_sha256"],
        labels_sha256=labels_sha256,
        labelled="pairs" if pairs else "items",
        count=len(observations),
        ungraded=ungraded,
        statistic="weighted_kappa" if pairs else "spearman",
        agreement=agreement,
        constant=statistic([Observation(0.0, one.label, one.length) for one in observations]),
        length=length,
        same_share=_same_share(observations) if pairs else None,
        constant_share=_constant_share(observations) if pairs else None,
        retest_spread=spread,
        verbosity_bias=_estimate(observations, verbosity_bias),
        position_bias=position,
        tokens_in=meter.tokens_in,
        tokens_out=meter.tokens_out,
        stand_in=meter.stand_in,
        made=datetime.now(UTC),
        verdict=verdict,
        reason=reason,
    )


def observed(
    labelled: Labelled, grades: Sequence[float | None], prompt: JudgePrompt, spread: float
) -> list[Observation]:
    """Return what can be compared: the values that a reward with this retest spread would give.

    Args:
        labelled: Items or pairs.
        grades: One for each item, two for each pair; None where there is none.
        prompt: With the rubric.
        spread: The judge's retest spread, in grades.
    """
    graded = iter(grades)
    found: list[Observation] = []
    for one in labelled:
        own = [next(graded) for _ in _texts(one)]
        values = [prompt.rubric.value(grade, retest_spread=spread) for grade in own if grade is not None]
        if len(values) == len(own):
            lengths = [float(len(text)) for text in _texts(one)]
            found.append(Observation(_difference(values), one.label, _difference(lengths)))
    return found


def retest_spread(grades: Sequence[Sequence[float | None]]) -> float:
    """Return the standard deviation of a completion's grade when it is graded again, pooled over completions.

    Args:
        grades: For each completion, its grade each time; None where there is none.
    """
    again = [[grade for grade in times if grade is not None] for times in grades]
    variances = [variance(times) for times in again if len(times) > 1]
    return math.sqrt(fmean(variances)) if variances else 0.0


def verbosity_bias(observations: Sequence[Observation]) -> float:
    """Return the rank correlation of judgement and length that the labels do not explain."""
    judged, labels, lengths = _columns(observations)
    return partial_spearman(judged, lengths, labels)


@dataclass(slots=True)
class _Meter:
    """A judge that remembers what was asked of it."""

    asking: Judge
    tokens_in: int = 0
    tokens_out: int = 0
    stand_in: str | None = None

    def ask(self, questions: Sequence[Question], /) -> Sequence[Answer | Refusal]:
        replies = self.asking.ask(questions)
        for reply in replies:
            if isinstance(reply, Answer):
                self.tokens_in += reply.tokens_in
                self.tokens_out += reply.tokens_out
                self.stand_in = reply.stand_in or self.stand_in
        return replies


def _samples(one: LabelledItem | LabelledPair) -> list[Sample]:
    return [Sample(text, one.reference, one.prompt) for text in _texts(one)]


def _texts(one: LabelledItem | LabelledPair) -> tuple[str, ...]:
    return (one.completion,) if isinstance(one, LabelledItem) else (one.first, one.second)


def _difference(values: Sequence[float]) -> float:
    return values[0] - values[1] if len(values) == 2 else values[0]


def _graded(grader: BatchGrader, samples: Sequence[Sample]) -> list[Grade]:
    """Grade samples in events of the size that a trainer sends."""
    events = (samples[start : start + _EVENT] for start in range(0, len(samples), _EVENT))
    return [grade for event in events for grade in grade_all(grader, event)]


def _grade(grade: Grade, prompt: JudgePrompt) -> float | None:
    """Return a completion's grade on the rubric's scale; what was refused unasked has the lowest."""
    return grade.components.get(GRADE, float(prompt.rubric.low)) if isinstance(grade, Score) else None


def _most_common(grades: Sequence[Grade]) -> str:
    """Return the code of what most often stood in the way."""
    reasons = Counter(grade.reason for grade in grades if isinstance(grade, Invalid))
    return reasons.most_common(1)[0][0] if reasons else "none was invalid"


def _position_bias(asking: Judge, prompt: JudgePrompt, pairs: Sequence[LabelledPair]) -> Estimate | None:
    """Return by how many grades a completion does better in the first place; None when too few answers are readable."""
    orders = [order for pair in pairs for order in ((pair.first, pair.second), (pair.second, pair.first))]
    requests = [request_text(pair.prompt) for pair in pairs for _ in range(2)]
    questions = [prompt.pair_question(request, *order) for request, order in zip(requests, orders, strict=True)]
    replies: list[Answer | Refusal] = []
    for start in range(0, len(questions), _EVENT):
        replies += asking.ask(questions[start : start + _EVENT])
    leads = [
        float(grades[0] - grades[1])
        if isinstance(reply, Answer) and (grades := read_grades(reply.text, question)) is not None
        else None
        for question, reply in zip(questions, replies, strict=True)
    ]
    # The better completion leads in one order as much as it lags in the other; what is left is the place's.
    effects = [
        (there + back) / 2
        for there, back in zip(leads[::2], leads[1::2], strict=True)
        if there is not None and back is not None
    ]
    if len(effects) < LEAST:
        return None
    interval = bootstrap_interval_of(effects, fmean)
    return Estimate(value=fmean(effects), low=interval.low, high=interval.high)


def _estimate(observations: Sequence[Observation], statistic: Statistic) -> Estimate:
    interval = bootstrap_interval_of(observations, statistic)
    return Estimate(value=statistic(observations), low=interval.low, high=interval.high)


def _columns(observations: Sequence[Observation]) -> tuple[list[float], list[float], list[float]]:
    return (
        [one.judged for one in observations],
        [one.label for one in observations],
        [one.length for one in observations],
    )


def _spearman(observations: Sequence[Observation]) -> float:
    judged, labels, _ = _columns(observations)
    return spearman(judged, labels)


def _kappa(observations: Sequence[Observation]) -> float:
    return weighted_kappa([_sign(one.judged) for one in observations], [_sign(one.label) for one in observations])


def _by_length(statistic: Statistic) -> Statistic:
    """Return the statistic of a judge that prefers the longer text, or the shorter, whichever agrees more."""
    return lambda rows: max(
        statistic([Observation(sign * one.length, one.label, one.length) for one in rows]) for sign in (1, -1)
    )


def _same_share(observations: Sequence[Observation]) -> float:
    return fmean(_sign(one.judged) == _sign(one.label) for one in observations)


def _constant_share(observations: Sequence[Observation]) -> float:
    return max(Counter(_sign(one.label) for one in observations).values()) / len(observations)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _verdict(agreement: Estimate, length: Estimate, ungraded_share: float) -> tuple[Verdict, str]:
    """Return whether the judge may be used, and why."""
    if ungraded_share > _MOST_UNGRADED:
        return Verdict.FAILED, f"{ungraded_share:.1%} of the completions were not graded, at most 5 % may be"
    low = agreement.low
    if low <= max(0.0, length.value):
        baseline = "a constant gets 0" if length.value <= 0 else f"length alone gets {length.value:.2f}"
        return Verdict.FAILED, f"agreement {agreement.value:.2f}, at least {low:.2f}; {baseline}"
    return (
        Verdict.PASSED,
        f"agreement {agreement.value:.2f}, at least {low:.2f}: above a constant's 0 and length's {length.value:.2f}",
    )
