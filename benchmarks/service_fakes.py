"""A code runner and a judge that answer at once, and that fail when told to: services of graders that are fuzzed."""

import zlib
from collections.abc import Sequence

from rft_contract.value_codec import UnplainValue, decode, encode
from rft_rewards.judge_question import REASON, Answer, Question, Refusal
from rft_rewards.runner import Job, Ran, RunnerLost, RunnerUnreachable

SOLUTION = "return n + 1"
"""What a program that the fake runner understands contains: it then returns its argument plus one."""

_NOISE = (
    "",
    "v",
    "v[",
    "vnull",
    'v{"int": "0x1"}',
    "x",
    "xtimeout",
    "xnot-plain",
    "r",
    'r["ValueError", ""]',
    "z" * 99,
)


def _dice(written: str, sides: int) -> int:
    """Return a number that only depends on a text."""
    return zlib.crc32(written.encode("utf-8", "surrogatepass")) % sides


class FakeRunner:
    """Answers for programs; none is executed. Some programs end their environment, most answer nonsense.

    Args:
        works: Whether it can be reached; may be changed at any time.
    """

    def __init__(self, *, works: bool = True) -> None:
        self.works = works

    def run(self, jobs: Sequence[Job], /, *, seconds: float) -> Sequence[Ran | None]:
        """Return what the programs would have said; see `rft_rewards.runner.Runner`."""
        del seconds
        if not self.works:
            raise RunnerUnreachable("told so")
        if any(SOLUTION not in job.program and _dice(job.program, 7) == 0 for job in jobs):
            raise RunnerLost("told so")
        return [Ran(tuple(_answer(job, call) for call in job.calls), 0.01) for job in jobs]


def _answer(job: Job, call: str) -> str:
    """Return a program's answer to one call."""
    if SOLUTION not in job.program:
        return _NOISE[_dice(job.program + call, len(_NOISE))]
    given: list[object] = []
    match decode(call):
        case [tuple(args), dict(kwargs)]:
            given = [*args, *kwargs.values()]
    if len(given) != 1 or not isinstance(given[0], int):
        return 'r["TypeError", "one int is wanted"]'
    try:
        return "v" + encode((given[0] + 1, (given[0],)) if job.observe else given[0] + 1)
    except UnplainValue as error:
        return f"x{error.reason}"


class FakeJudge:
    """Gives every answer a grade by its text; the highest to answers with some words.

    Args:
        praised: The words.
        works: Whether it answers; may be changed at any time.
    """

    def __init__(self, *, praised: str, works: bool = True) -> None:
        self._praised = praised
        self.works = works

    def ask(self, questions: Sequence[Question], /) -> Sequence[Answer | Refusal]:
        """Return a grade for each question; see `rft_rewards.judge_question.Judge`."""
        if not self.works:
            return [Refusal(reason="judge-throttled", transient=True)] * len(questions)
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        """Return one grade in the form that was demanded."""
        grade = (
            question.high
            if self._praised in question.user
            else question.low + _dice(question.user, question.high - question.low + 1)
        )
        grades = "".join(f', "{name}": {grade}' for name in question.grades)
        return Answer(text=f'{{"{REASON}": "told so"{grades}}}', tokens_in=9, tokens_out=9)
