"""The `code` grader: programs that are executed elsewhere and judged here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial as bound

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_rewards.author_test import AuthorTest, Verdict, runs
from rft_rewards.code_reference import BadReference, CodeReference, read_reference
from rft_rewards.code_trial import Trial
from rft_rewards.deadline import Deadline
from rft_rewards.grade import BatchGrader, Grade, Invalid, Score
from rft_rewards.killable import KILLED, call_each
from rft_rewards.program_rounds import NotRan, ask
from rft_rewards.program_text import LONGEST_PROGRAM, read_program
from rft_rewards.runner import Runner
from rft_rewards.sample import Sample

GOLD_FIELD = "rft_gold"
"""Field of a row with a completion that is right: the calls that the test makes of it are recorded."""

_TEST_SECONDS = 3.0
_TEST_MEMORY_MIB = 256
_MOST_REMEMBERED = 4096
_NAMELESS = "sample "
_KILLED = Invalid("test-hangs")


def code(
    *,
    runner: Runner,
    deadline: Deadline,
    seconds: float = 3.0,
    memory_mib: int = 256,
    compare: str = "value",
    partial: bool = True,
) -> BatchGrader:
    """Return a grader that runs the program in a completion against the reference's cases or test.

    The program never meets what judges it: it is executed by the runner, with arguments alone, and its values come back
    as plain data and are compared here. The program is the last fenced Python block that defines the entry point; in a
    text without fences, the part that can be Python.

    Refused, that is scored 0 (a case at a time, where there are cases): no definition of the entry point; a program of
    more than 64 KiB, or that does not load; a call that hangs, exhausts memory, ends its process or its environment, or
    floods its answer; a value that is no plain data (objects that equal everything, functions, awaitables) or passes
    the bounds of `rft_contract.value_codec`. Third-party packages are not there: the standard library is.

    A reference is `{"entry_point", "cases": [{"args", "kwargs", "expected"}]}`, scored by the share of right cases, or
    `{"entry_point", "test"}`, the author's source with `check(candidate)`, scored 1 or 0. Both may have a `prelude`,
    source of the author's that both sides execute first, and `"observe": "args"` for functions that change their
    arguments: cases then expect the list of arguments after the call, and tests see theirs changed. The candidate must
    be a function of its arguments: calls with equal ones are made once. A row's `rft_gold` is a completion that is
    right; it saves rounds of the runner, and is executed where the test is.

    Args:
        runner: Executes programs.
        deadline: Of the event.
        seconds: Longest time for a program, all its calls together, 0.1 to 60.
        memory_mib: Most memory beyond the interpreter's own, 16 to 2048 MiB.
        compare: How cases compare. `value`: as JSON would (3 is 3.0, a tuple is a list, floats within 1e-9, a boolean
            is no number). `exact`: types as well.
        partial: Whether some right cases earn their share; otherwise all must be right.

    Returns:
        A grader of whole events. A reference of another form is invalid, and so is a test or prelude that fails by
        itself, a `rft_gold` that does not pass, and what the runner could not be asked.

    Raises:
        ValueError: When an option has the wrong form.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0.1 <= seconds <= 60:
        raise ValueError(f"seconds: got {seconds!r}, wanted 0.1 to 60")
    if isinstance(memory_mib, bool) or not isinstance(memory_mib, int) or not 16 <= memory_mib <= 2048:
        raise ValueError(f"memory_mib: got {memory_mib!r}, wanted a whole number from 16 to 2048")
    if compare not in ("value", "exact"):
        raise ValueError(f"compare: got {compare!r}, wanted value or exact")
    if not isinstance(partial, bool):
        raise ValueError(f"partial: got {partial!r}, wanted true or false")
    new_trial = bound(Trial, seconds=float(seconds), memory_mib=memory_mib, exact=compare == "exact", partial=partial)
    return _CodeGrader(runner, deadline, new_trial)


@dataclass(frozen=True, slots=True)
class _Judge:
    """A reference that was read, and the calls that its gold makes; None: it has none."""

    reference: CodeReference
    recorded: tuple[str, ...] | None = None


class _CodeGrader:
    """Grades events; remembers the references that it has read."""

    def __init__(self, runner: Runner, deadline: Deadline, new_trial: Callable[..., Trial]) -> None:
        self._runner = runner
        self._deadline = deadline
        self._new_trial = new_trial
        self._judges: dict[str, _Judge | Invalid] = {}

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Grade the samples of an event together."""
        keys = [_key(sample, place) for place, sample in enumerate(samples)]
        self._read_references(dict(zip(keys, samples, strict=True)))
        trials: dict[tuple[str, str], Trial] = {}
        places = [self._place(sample, key, trials) for sample, key in zip(samples, keys, strict=True)]
        self._run(list(trials.values()))
        for key in keys:
            if key.startswith(_NAMELESS):
                self._judges.pop(key, None)
        return [_grade(place) for place in places]

    def _place(self, sample: Sample, key: str, trials: dict[tuple[str, str], Trial]) -> Grade | Trial:
        """Return a sample's grade, or its trial; equal programs share one."""
        judge = self._judges[key]
        if isinstance(judge, Invalid):
            return judge
        program = read_program(sample.completion, judge.reference.entry_point)
        if program is None:
            return Score(0.0, "no program that defines the entry point", {"answers": 0.0})
        if len(program) > LONGEST_PROGRAM:
            return Score(0.0, f"a program of more than {LONGEST_PROGRAM} characters", {"answers": 0.0})
        if (key, program) not in trials:
            trials[key, program] = self._new_trial(program, judge.reference, judge.recorded)
        return trials[key, program]

    def _run(self, trials: Sequence[Trial]) -> None:
        """Alternate between the runner's answers and the authors' tests until every trial has a grade."""
        _judge_all([trial for trial in trials if not trial.waits])
        while waiting := [trial for trial in trials if trial.waits]:
            # Programs that need long wait for the others, whose rounds are short.
            asked = [trial for trial in waiting if not trial.slow] or waiting
            jobs = [trial.job() for trial in asked]
            answers = ask(self._runner, jobs, self._deadline)
            for trial, job, answer in zip(asked, jobs, answers, strict=True):
                trial.take(job, answer)
            if all(answer is NotRan.PUT_OFF for answer in answers):
                for trial in asked:
                    trial.give_up()
            _judge_all([trial for trial in asked if trial.grade is None and not trial.waits])

    def _read_references(self, samples: dict[str, Sample]) -> None:
        """Read the references that are new, executing what is the author's in a child that can be killed."""
        if len(self._judges) > _MOST_REMEMBERED:
            self._judges.clear()
        # What had to be killed may have been unlucky; everything else would come out the same.
        self._judges = {key: judge for key, judge in self._judges.items() if judge != _KILLED}
        executed: list[tuple[str, Callable[[], JsonValue]]] = []
        for key, sample in samples.items():
            if key in self._judges:
                continue
            try:
                reference = read_reference(sample.reference)
                self._judges[key] = _Judge(reference)
                gold = _gold(sample, reference)
            except BadReference as error:
                self._judges[key] = Invalid(error.reason)
                continue
            if reference.test is not None and gold is not None:
                executed.append((key, bound(reference.test.record, gold)))
            elif reference.test is None and reference.prelude:
                executed.append((key, bound(runs, reference.prelude)))
        results = _call_each([function for _, function in executed])
        for (key, _), result in zip(executed, results, strict=True):
            self._judges[key] = _checked(self._judges[key], result)


def _key(sample: Sample, place: int) -> str:
    """Return what equal references share; one that has no canonical text is known for this event alone."""
    try:
        return canonical([sample.reference, sample.metadata.get(GOLD_FIELD)])
    except (ValueError, TypeError, RecursionError):
        return f"{_NAMELESS}{place}"


def _gold(sample: Sample, reference: CodeReference) -> str | None:
    """Return the program of the row's own solution; None when it brings none.

    Raises:
        BadReference: When there is no program in it.
    """
    gold = sample.metadata.get(GOLD_FIELD)
    if isinstance(gold, dict):
        gold = gold.get("content")
    if gold is None:
        return None
    program = read_program(gold, reference.entry_point) if isinstance(gold, str) else None
    if program is None:
        raise BadReference("gold-without-program")
    return program


def _checked(judge: _Judge | Invalid, result: object) -> _Judge | Invalid:
    """Return a reference with what its author's code did."""
    if isinstance(judge, Invalid):
        return judge
    match result:
        case {"calls": [*calls]}:
            return _Judge(judge.reference, tuple(map(str, calls)))
        case {"invalid": str(reason)}:
            return Invalid(reason)
        case True:
            return judge
    return _KILLED if result is KILLED else Invalid("prelude-raised")


def _judge_all(trials: Sequence[Trial]) -> None:
    """Let the authors' tests judge the trials whose calls are answered."""
    tests = [(trial, trial.test) for trial in trials if trial.test is not None]
    results = _call_each([bound(_verdict, test, trial) for trial, test in tests])
    for (trial, _), result in zip(tests, results, strict=True):
        trial.judge(Verdict(**result) if isinstance(result, dict) else None)


def _verdict(test: AuthorTest, trial: Trial) -> JsonObject:
    """Return a test's verdict as JSON."""
    return test.replay(trial.memo).to_json()


def _call_each(functions: Sequence[Callable[[], JsonValue]]) -> list[object]:
    """Execute code of the author's."""
    return call_each(functions, seconds=_TEST_SECONDS, memory_mib=_TEST_MEMORY_MIB)


def _grade(place: Grade | Trial) -> Grade:
    """Return a sample's grade."""
    if isinstance(place, Trial):
        return place.grade or Invalid("grader-lost-a-trial")
    return place
