"""One program and the reference that judges it: what was asked, what was answered, and the grade."""

from collections import Counter
from collections.abc import Iterable

from rft_contract.json_value import JsonValue
from rft_contract.value_codec import UnplainValue, decode
from rft_rewards.answer import Answer, Lost, Raised, Returned, read
from rft_rewards.author_test import AuthorTest, Verdict
from rft_rewards.code_reference import CodeReference
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.program_rounds import NotRan
from rft_rewards.runner import Job, Ran
from rft_rewards.value_equality import equal_by_value, equal_exactly

_SHARES = 3
_LONGEST_SHARE = 1.0
"""Seconds that a program gets at once, or a third of its time if that is less: those that need more wait until the
others are done, and calls that hang until all calls of the program are tried."""

_MOST_CALL_CHARACTERS = 2**20
_LEAST_SECONDS = 0.05


class Trial:
    """A program on trial.

    Args:
        program: Untrusted source.
        reference: What judges it.
        recorded: Calls that the author's own solution made; None when there is no such solution.
        seconds: Longest time for all calls.
        memory_mib: Most memory, MiB.
        exact: Whether a case compares types as well.
        partial: Whether some cases earn a share.
    """

    def __init__(
        self,
        program: str,
        reference: CodeReference,
        recorded: tuple[str, ...] | None,
        *,
        seconds: float,
        memory_mib: int,
        exact: bool,
        partial: bool,
    ) -> None:
        self._program = program
        self._reference = reference
        self._recorded = recorded
        self._seconds = seconds
        self._share = min(_LONGEST_SHARE, seconds / _SHARES)
        self._memory_mib = memory_mib
        self._exact = exact
        self._partial = partial
        self._spent = 0.0
        self._answered = -1
        self._hanging: set[str] = set()
        self._wanted = list(dict.fromkeys(self._first_calls()))
        self.memo: dict[str, Answer] = {}
        self.grade: Grade | None = None

    @property
    def test(self) -> AuthorTest | None:
        """The author's test; None when there are cases."""
        return self._reference.test

    @property
    def waits(self) -> bool:
        """Whether calls are left that need the runner."""
        return self.grade is None and bool(self._wanted)

    @property
    def slow(self) -> bool:
        """Whether the program used up a share of its time."""
        return bool(self._hanging)

    def job(self) -> Job:
        """Return the next question to the runner."""
        calls: list[str] = []
        room = _MOST_CALL_CHARACTERS
        for call in self._wanted:
            room -= len(call)
            if calls and room < 0:
                break
            calls.append(call)
        left = self._seconds - self._spent
        return Job(
            program=self._program,
            prelude=self._reference.prelude,
            entry_point=self._reference.entry_point,
            calls=tuple(calls),
            observe=self._reference.observe,
            seconds=left if self._hanging.issuperset(self._wanted) else min(left, self._share),
            memory_mib=self._memory_mib,
        )

    def take(self, job: Job, ran: Ran | NotRan) -> None:
        """Take the runner's answer; a grade may follow from it."""
        if isinstance(ran, Ran):
            self._spent += ran.seconds
            for call, text in zip(job.calls, ran.answers, strict=False):
                answer = read(text)
                if answer == Lost("timeout") and self._seconds - self._spent > _LEAST_SECONDS:
                    self._hanging.add(call)
                else:
                    self.memo[call] = answer
            left = [call for call in self._wanted if call not in self.memo]
            self._wanted = sorted(left, key=self._hanging.__contains__)
            if self._seconds - self._spent <= _LEAST_SECONDS:
                self.memo |= dict.fromkeys(self._wanted, Lost("timeout"))
                self._wanted = []
            if self.test is None and not self._wanted:
                self.grade = self._grade_cases()
        elif ran is NotRan.UNREACHABLE:
            self.grade = Invalid(ran.value, transient=True)
        elif ran is NotRan.ENDED_ITS_ENVIRONMENT:
            self.grade = self._wrong(ran.value)

    def judge(self, verdict: Verdict | None) -> None:
        """Take the author's test's word.

        Args:
            verdict: None: the test had to be killed.
        """
        if verdict is None:
            # Values may hang a test, as in `range(candidate(5))`; a test that has seen none hangs by itself.
            self.grade = self._wrong("the test does not end") if self.memo else Invalid("test-hangs")
        elif verdict.kind == "passed":
            self.grade = Score(1.0, "passes the test", {"answers": 1.0})
        elif verdict.kind == "failed":
            self.grade = self._wrong(verdict.detail)
        elif verdict.kind == "invalid":
            self.grade = Invalid(verdict.detail)
        elif verdict.answered <= self._answered:
            self.grade = Invalid("test-not-repeatable")
        else:
            self._answered = verdict.answered
            self._wanted = [verdict.detail]

    def give_up(self) -> None:
        """Grade what is still open when the event's time is over.

        A program that used up a share of its time, or makes the test ask for other calls than the author's solution
        does, brought that about itself.
        """
        if self._hanging or (self._recorded is not None and self._answered >= 0):
            self.grade = self._wrong("timeout")
        else:
            self.grade = Invalid(NotRan.PUT_OFF.value, transient=True)

    def _first_calls(self) -> Iterable[str]:
        """Yield the calls that are known before the first round."""
        yield from (case.call for case in self._reference.cases)
        yield from self._recorded or ()
        if self._reference.test is not None and self._recorded is None:
            yield from self._reference.test.literal_calls

    def _wrong(self, reason: str) -> Score:
        """Return the score of a program that is wrong as a whole."""
        return Score(0.0, reason, {"answers": float(self._answers())})

    def _answers(self) -> bool:
        """Whether any call was answered."""
        return any(not isinstance(answer, Lost) for answer in self.memo.values())

    def _grade_cases(self) -> Score:
        """Return the share of the cases whose value is the expected one."""
        outcomes = [self._outcome(self.memo[case.call], case.expected) for case in self._reference.cases]
        right = outcomes.count("right")
        value = right / len(outcomes) if self._partial else float(right == len(outcomes))
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(Counter(outcomes).items()))
        return Score(value, f"{right} of {len(outcomes)} cases ({counts})", {"answers": float(self._answers())})

    def _outcome(self, answer: Answer, expected: JsonValue) -> str:
        """Return what became of a case, in a word."""
        match answer:
            case Lost(reason):
                return reason
            case Raised():
                return "raised"
            case Returned(text):
                try:
                    return "right" if self._matches(text, expected) else "wrong"
                except UnplainValue as error:
                    return error.reason

    def _matches(self, text: str, expected: JsonValue) -> bool:
        """Whether a value is the expected one."""
        value = decode(text, iterator=iter if self._exact else list)
        if self._reference.observe:
            if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[1], tuple):
                raise UnplainValue("unreadable")
            value = list(value[1])
        return (equal_exactly if self._exact else equal_by_value)(expected, value)
