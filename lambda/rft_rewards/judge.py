"""The `judge` grader: a model grades completions by a rubric."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonValue
from rft_rewards.grade import BatchGrader, Grade, Invalid, Score
from rft_rewards.judge_prompt import JudgePrompt, read_grades, request_text, with_calls
from rft_rewards.judge_question import Answer, Judge, Question, Refusal
from rft_rewards.options import check_flag
from rft_rewards.sample import Sample

GRADE = "judge_grade"
"""Component: the mean grade of the samples, before it is rounded."""

STAND_IN = "judge_stand_in"
"""Component that is 1 where something else answered in the model's place; what is learned then holds there alone."""

_LONGEST_COMPLETION = 50_000
_LONGEST_REQUEST = 200_000


def judge(
    *,
    judge: Judge,
    model: str,
    rubric: str,
    samples: int = 1,
    temperature: float | None = None,
    retest_spread: float = 0.0,
    max_tokens: int = 1024,
    with_reasoning: bool = False,
    needs_reference: bool = False,
) -> BatchGrader:
    """Return a grader that asks a model for a grade.

    The model gets the instructions of `prompts/judge.md` with the rubric, and the request, the reference (where the row
    has one) and the completion between fences that no text can close (`rft_rewards.fence`). It must answer in a form
    that `rft_rewards.judge_prompt.read_grades` reads strictly. The value is the mean grade of the samples as a share of
    the scale, rounded to equal steps from its lowest to its highest grade, each at least one grade and at least
    `retest_spread` wide: so equal completions tie instead of being ranked by noise. Equal completions to one prompt
    within an event are asked about once.

    Refused, that is scored 0 without asking: an empty completion; one of more than 50,000 characters. A completion that
    argues with its grader is refused by the instructions, which is worth as much as the model is: what the model lets
    through is measured by the certificate's hacks.

    Args:
        judge: Asks models.
        model: Id of a foundation model or an inference profile.
        rubric: Name of a shipped rubric, or a text whose first line is its scale, such as `scale: 0 to 10`.
        samples: How often it is asked about each completion, 1 to 9. Most of them must be answered and readable.
        temperature: 0 to 1. None: 0 for one sample, else 0.7, as repeating the most likely answer tells nothing new.
        retest_spread: Standard deviation of the grade when the same is asked again, in grades, as
            `rft judge calibrate` measures it with these options.
        max_tokens: Longest answer, 64 to 8192; a model that reasons needs room for it.
        with_reasoning: Whether the model sees the completion's `<think>` blocks.
        needs_reference: Whether a row without a reference is invalid.

    Returns:
        A grader of whole events; a reference may be anything. Invalid are a row without a request, or one of more than
        200,000 characters, and what the judge could not answer, or not in the form: `judge-unreadable`, and, transient,
        `judge-throttled` and `judge-unavailable`.

    Raises:
        ValueError: When an option has the wrong form.
    """
    prompt = JudgePrompt.from_options(
        model=model, rubric=rubric, samples=samples, temperature=temperature, max_tokens=max_tokens
    )
    check_flag("with_reasoning", with_reasoning)
    check_flag("needs_reference", needs_reference)
    span = prompt.rubric.high - prompt.rubric.low
    if isinstance(retest_spread, bool) or not isinstance(retest_spread, (int, float)) or not 0 <= retest_spread <= span:
        raise ValueError(f"retest_spread: got {retest_spread!r}, wanted 0 to {span}, the width of the scale")
    return _JudgeGrader(judge, prompt, samples, float(retest_spread), with_reasoning, needs_reference)


@dataclass(frozen=True, slots=True)
class _JudgeGrader:
    """Grades events."""

    judge: Judge
    prompt: JudgePrompt
    samples: int
    retest_spread: float
    with_reasoning: bool
    needs_reference: bool

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Grade the samples of an event together."""
        places = [self._place(sample) for sample in samples]
        shares = Counter(place for place in places if isinstance(place, Question))
        replies = iter(self.judge.ask([question for question in shares for _ in range(self.samples)]))
        grades = {
            question: self._grade(question, [next(replies) for _ in range(self.samples)], share)
            for question, share in shares.items()
        }
        return [grades[place] if isinstance(place, Question) else place for place in places]

    def _place(self, sample: Sample) -> Grade | Question:
        """Return a sample's grade where nobody needs to be asked, else the question."""
        request = request_text(sample.prompt)
        if not request or len(request) > _LONGEST_REQUEST:
            return Invalid("request-too-long" if request else "request-missing")
        if self.needs_reference and sample.reference is None:
            return Invalid("reference-missing")
        answer = with_calls(sample.turn if self.with_reasoning else sample.completion, sample.tool_calls)
        if not answer.strip():
            return Score(0.0, "an empty completion")
        if len(answer) > _LONGEST_COMPLETION:
            return Score(0.0, f"more than {_LONGEST_COMPLETION:,} characters")
        return self.prompt.question(request, answer, _unwrapped(sample.reference))

    def _grade(self, question: Question, replies: Sequence[Answer | Refusal], share: int) -> Grade:
        """Return the grade that the replies to one question come to.

        Args:
            question: What was asked.
            replies: One a sample.
            share: How many completions the question stands for, which share its tokens.
        """
        answers = [reply for reply in replies if isinstance(reply, Answer)]
        read = [grades[0] for answer in answers if (grades := read_grades(answer.text, question)) is not None]
        if len(read) <= self.samples // 2:
            return _invalid([reply for reply in replies if isinstance(reply, Refusal)])
        mean = sum(read) / len(read)
        components = {
            GRADE: mean,
            "judge_tokens_in": sum(answer.tokens_in for answer in answers) / share,
            "judge_tokens_out": sum(answer.tokens_out for answer in answers) / share,
        }
        if len(read) > 1:
            components["judge_sd"] = math.sqrt(sum((grade - mean) ** 2 for grade in read) / (len(read) - 1))
        if any(answer.stand_in for answer in answers):
            components[STAND_IN] = 1.0
        value = self.prompt.rubric.value(mean, retest_spread=self.retest_spread)
        return Score(value, f"graded {mean:.3g} from {question.low} to {question.high} by the judge", components)


def _invalid(refusals: Sequence[Refusal]) -> Invalid:
    """Return why a question has no grade: what a retry may cure comes first."""
    first = min(refusals, key=lambda refusal: not refusal.transient, default=Refusal(reason="judge-unreadable"))
    return Invalid(first.reason, transient=first.transient)


def _unwrapped(reference: JsonValue) -> JsonValue:
    """Return the text of `{"text": ...}`."""
    if isinstance(reference, dict) and reference.keys() == {"text"}:
        return reference["text"]
    return reference
