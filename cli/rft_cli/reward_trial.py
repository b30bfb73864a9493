"""A reward tried on its author's cases, on this machine and by the code that is deployed."""

import json
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.reward_folder import OWN_NAME, RewardFolder
from rft_contract.reward_needs import services_of
from rft_contract.reward_spec import RewardSpec
from rft_rewards.batch import grade_all
from rft_rewards.deadline import Deadline
from rft_rewards.fence import read_fenced
from rft_rewards.grade import AnyGrader, Grade, Score
from rft_rewards.judge_question import REASON, Answer, Question
from rft_rewards.registry import build
from rft_rewards.sample import Sample
from rft_runtime.certificate import Thresholds
from rft_runtime.certification.cases import ENOUGH, Case
from rft_runtime.certification.kind import Kind
from rft_runtime.certification.kinds import kind_of
from rft_runtime.certification.subject import Demands
from rft_runtime.reward_events import read_event

_SECONDS = 600.0
_ROUNDING = 1e-9


@dataclass(frozen=True)
class TriedCase:
    """One completion and what came of it.

    Args:
        case: Number of the case, from 1.
        name: `good 1`, `bad 3`.
        text: The completion.
        is_good: Whether its author calls it good.
        grade: The reward's.
        as_wanted: Whether that is what its author wants.
        cause: Where the author's own code raised.
    """

    case: int
    name: str
    text: str
    is_good: bool
    grade: Grade
    as_wanted: bool
    cause: str = ""


@dataclass(frozen=True)
class Trial:
    """A reward, tried.

    Args:
        spec: The reward.
        thresholds: What good and bad completions must score.
        tried: Every completion, in the file's order.
        milliseconds: What grading took.
        stand_in: Whether something else answered in the judge's place.
        by_mean: Whether means decide, since a judge's single grades vary.
        lacking: What the certificate of this kind wants besides; empty when nothing.
    """

    spec: RewardSpec
    thresholds: Thresholds
    tried: Sequence[TriedCase]
    milliseconds: float
    stand_in: bool
    by_mean: bool
    lacking: str

    @property
    def failed(self) -> list[TriedCase]:
        """The completions that were not graded as their author wants."""
        return [one for one in self.tried if not one.as_wanted]

    @property
    def passed(self) -> bool:
        """Whether the reward does what its author wants."""
        if not self.by_mean:
            return not self.failed
        return self.mean(good=True) > self.mean(good=False) and all(isinstance(one.grade, Score) for one in self.tried)

    def mean(self, *, good: bool) -> float:
        """Return the mean score of the good or the bad completions."""
        values = [one.grade.value for one in self.tried if one.is_good == good and isinstance(one.grade, Score)]
        return sum(values) / len(values) if values else 0.0


def try_folder(folder: RewardFolder, *, ask_judge: bool = False) -> Trial:
    """Grade a folder's cases.

    Args:
        folder: The reward with its cases.
        ask_judge: Whether judges are really asked, which is billed, instead of their stand-in.

    Raises:
        CliError: When the reward cannot be built.
    """
    spec, deadline = folder.spec, Deadline(_SECONDS)
    try:
        services = services_of(spec)
    except ValueError as error:
        raise CliError(f"{folder.path}: {error}") from None
    with folder.on_path(), _made(services, deadline, ask_judge=ask_judge) as made:
        try:
            grader = build(spec, made)
            kind = kind_of(spec.grader, spec.options)
        except ValueError as error:
            raise CliError(f"{folder.path}: {error}") from None
        thresholds = Demands().thresholds(kind)
        started = time.perf_counter()
        graded = [(case, *_graded(grader, case)) for case in folder.cases.cases]
        milliseconds = (time.perf_counter() - started) * 1000
        tried = [
            one
            for case, samples, grades in graded
            for one in _tried(folder.path, spec, thresholds, case, samples, grades)
        ]
    return Trial(
        spec=spec,
        thresholds=thresholds,
        tried=tried,
        milliseconds=milliseconds,
        stand_in="judge" in services and not ask_judge,
        by_mean=kind.noisy,
        lacking=_lacking(folder, kind),
    )


def _graded(grader: AnyGrader, case: Case) -> tuple[list[Sample], list[Grade]]:
    """Return a case's samples, good ones first, and their grades, as one event."""
    turns = [*case.good, *case.bad]
    items = read_event([case.row.item(str(number), turn) for number, turn in enumerate(turns)])
    samples = [item.sample for item in items]
    return samples, grade_all(grader, samples)


def _tried(
    path: Path,
    spec: RewardSpec,
    thresholds: Thresholds,
    case: Case,
    samples: Sequence[Sample],
    grades: Sequence[Grade],
) -> Iterator[TriedCase]:
    """Yield what came of a case's completions."""
    for place, (sample, grade) in enumerate(zip(samples, grades, strict=True)):
        is_good = place < len(case.good)
        name = f"good {place + 1}" if is_good else f"bad {place - len(case.good) + 1}"
        raised = spec.grader == "own" and not isinstance(grade, Score) and grade.reason.startswith("grader-raised")
        yield TriedCase(
            case=case.number,
            name=name,
            text=sample.completion or json.dumps(list(sample.tool_calls)),
            is_good=is_good,
            grade=grade,
            as_wanted=_as_wanted(grade, thresholds, is_good=is_good),
            cause=_cause(path, spec, sample) if raised else "",
        )


def _as_wanted(grade: Grade, thresholds: Thresholds, *, is_good: bool) -> bool:
    """Whether a good completion passes, or a bad one scores less than what passes by the margin."""
    if not isinstance(grade, Score):
        return False
    if is_good:
        return grade.value >= thresholds.pass_at - _ROUNDING
    return grade.value <= thresholds.pass_at - thresholds.margin + _ROUNDING


def _cause(path: Path, spec: RewardSpec, sample: Sample) -> str:
    """Return where the author's own function raises: it is called once more, in this process."""
    module = spec.options.get("module", OWN_NAME.removesuffix(".py"))
    try:
        import_module(str(module)).score(sample)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if Path(frame.filename).is_relative_to(path.resolve())]
        place = f"{Path(inside[-1].filename).name}:{inside[-1].lineno}: " if inside else ""
        return f"{place}{type(error).__name__}: {error}"
    return ""


def _lacking(folder: RewardFolder, kind: Kind) -> str:
    """Return what the certificate will miss."""
    cases = folder.cases
    if any(kind.key(case.row.reference) is not None for case in cases.cases) or min(cases.good, cases.bad) >= ENOUGH:
        return ""
    return (
        f"a certificate of this kind wants at least {ENOUGH} good and {ENOUGH} bad completions: there are "
        f"{cases.good} and {cases.bad}"
    )


@contextmanager
def _made(services: frozenset[str], deadline: Deadline, *, ask_judge: bool) -> Iterator[Mapping[str, object]]:
    """Make the services that graders need, and end them."""
    made: dict[str, object] = {"deadline": deadline}
    with ExitStack() as stack:
        if "runner" in services:
            from rft_runtime.code_runner import CodeRunner
            from rft_runtime.local_code_runner import LocalInvoke

            made["runner"] = CodeRunner(stack.enter_context(LocalInvoke()), longest_seconds=_SECONDS)
        if "judge" in services:
            from rft_runtime.bedrock_judge import BedrockJudge

            made["judge"] = BedrockJudge(deadline) if ask_judge else _StandIn()
        yield made


class _StandIn:
    """The embedded AWS's judge stand-in, without noise and without its endpoint."""

    def ask(self, questions: Sequence[Question], /) -> list[Answer]:
        """Return an answer to each question."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        from rft_local.bedrock.judge_stand_in import NAME, quality

        parts = read_fenced(question.user)
        liked = quality(parts.get("answer", ""), parts.get("reference"), parts.get("request", ""))
        grade = round(question.low + liked * (question.high - question.low))
        return Answer(text=json.dumps({REASON: NAME, **dict.fromkeys(question.grades, grade)}), stand_in=NAME)
