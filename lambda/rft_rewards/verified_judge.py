"""The `verified_judge` grader: a verifiable result opens the gate, a judge grades what led to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.batch import grade_all
from rft_rewards.grade import AnyGrader, BatchGrader, Grade, Score
from rft_rewards.judge import judge as judge_grader
from rft_rewards.judge_question import Judge
from rft_rewards.options import check_share
from rft_rewards.sample import Sample


def verified_judge(
    *,
    judge: Judge,
    build: Callable[[str, JsonObject], AnyGrader],
    verify: Mapping[str, JsonValue],
    model: str,
    rubric: str = "reasoning",
    judge_share: float = 0.3,
    pass_at: float = 1.0,
    samples: int = 1,
    temperature: float | None = None,
    retest_spread: float = 0.0,
    max_tokens: int = 1024,
    with_reasoning: bool = True,
) -> BatchGrader:
    """Return a grader that checks the result with another grader and asks a judge about completions that pass.

    A completion whose result passes is worth `(1 - judge_share) * result + judge_share * judged`; any other one 0,
    whatever the judge would think of it, and the judge is not paid for it. So a persuasive wrong answer earns nothing.

    Refused, that is scored 0: what the verifying grader scores below `pass_at`. What the judge refuses (see `judge`)
    keeps the result's part.

    Args:
        judge: Asks models.
        build: Makes the verifying grader.
        verify: Which one: `{"grader": NAME, "options": {...}}`.
        model: As in `judge`.
        rubric: As in `judge`.
        judge_share: The judge's part of the value, 0 to 1.
        pass_at: The least that the result must score, 0 to 1, above 0.
        samples: As in `judge`.
        temperature: As in `judge`.
        retest_spread: As in `judge`.
        max_tokens: As in `judge`.
        with_reasoning: As in `judge`.

    Returns:
        A grader of whole events for the references of the verifying grader, which the judge sees too. What the
        verifying grader cannot grade is invalid, and so is what passed and the judge could not grade.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_share("judge_share", judge_share)
    check_share("pass_at", pass_at)
    if not pass_at:
        raise ValueError("pass_at: got 0, wanted more: every completion would pass")
    return _VerifiedJudge(
        verifier=_verifier(verify, build),
        judge=judge_grader(
            judge=judge,
            model=model,
            rubric=rubric,
            samples=samples,
            temperature=temperature,
            retest_spread=retest_spread,
            max_tokens=max_tokens,
            with_reasoning=with_reasoning,
        ),
        judge_share=judge_share,
        pass_at=pass_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _VerifiedJudge:
    """Grades events."""

    verifier: AnyGrader
    judge: BatchGrader
    judge_share: float
    pass_at: float

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Grade the samples of an event together."""
        verified = grade_all(self.verifier, samples)
        passed = [
            sample
            for sample, grade in zip(samples, verified, strict=True)
            if isinstance(grade, Score) and self._passes(grade)
        ]
        judged = iter(grade_all(self.judge, passed) if passed else [])
        return [
            grade
            if not isinstance(grade, Score)
            else self._joined(grade, next(judged) if self._passes(grade) else None)
            for grade in verified
        ]

    def _passes(self, result: Score) -> bool:
        return result.value >= self.pass_at

    def _joined(self, result: Score, judged: Grade | None) -> Grade:
        """Return the grade of a completion; it was not judged when it did not pass."""
        components = {"verified": result.value, **result.components}
        if judged is None:
            return Score(0.0, f"the result does not pass: {result.explanation}", components)
        if not isinstance(judged, Score):
            return judged
        value = (1 - self.judge_share) * result.value + self.judge_share * judged.value
        # The judge's own come first: only so many are kept.
        parts = {"verified": result.value, "judged": judged.value, **judged.components, **result.components}
        return Score(value, f"the result passes; {judged.explanation}", parts)


def _verifier(verify: object, build: Callable[[str, JsonObject], AnyGrader]) -> AnyGrader:
    """Return the verifying grader."""
    if not isinstance(verify, Mapping) or not {"grader"} <= verify.keys() <= {"grader", "options"}:
        raise ValueError(f"verify: got {verify!r}, wanted a mapping of grader and options")
    name, options = verify["grader"], verify.get("options", {})
    if not isinstance(name, str) or not isinstance(options, dict):
        raise ValueError(f"verify: got {verify!r}, wanted the name of a grader and a mapping of its options")
    try:
        return build(name, options)
    except ValueError as error:
        raise ValueError(f"verify: {error}") from None
