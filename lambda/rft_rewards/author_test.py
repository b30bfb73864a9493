"""The author's `check(candidate)`, run against what the runner said about a program.

`candidate` is a proxy with a memo. A call that is not in it suspends the test; once the runner has answered the call,
the test is run again from its start. So a test must make the same calls whenever it gets the same values; `random` is
seeded. A test that is suspended n times costs n runs of its beginning, microseconds a call, beside n rounds of the
runner: that is why calls are found before the first round, in the test's syntax tree and by recording a gold solution.
"""

import ast
import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType

from rft_contract.json_value import JsonObject
from rft_contract.value_codec import UnplainValue, decode, encode
from rft_rewards.answer import Answer, Lost, Raised

_SEED = 20260101
_CHECK = "check"


class BadTest(Exception):
    """The author's code cannot judge any program.

    Args:
        reason: A code in kebab case.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Stop(BaseException):
    """Ends the test from inside a call; no `except Exception` of the author's catches it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test ended.

    Args:
        kind: `passed`, `failed`, `suspended` or `invalid`.
        detail: The call that is not in the memo when suspended, else a reason in words or, when invalid, a code.
        answered: Calls that were answered from the memo.
    """

    kind: str
    detail: str
    answered: int

    def to_json(self) -> JsonObject:
        """Return the verdict as JSON."""
        return {"kind": self.kind, "detail": self.detail, "answered": self.answered}


class AuthorTest:
    """A compiled test. Nothing of the author's is executed before `replay` or `record`.

    Args:
        test: Source that defines `check(candidate)`.
        prelude: Source that is executed before it.
        entry_point: The name that is bound to the candidate too.
        observe: Whether calls shall change their arguments as the program did.

    Raises:
        BadTest: When a source is no Python.
    """

    def __init__(self, *, test: str, prelude: str, entry_point: str, observe: bool) -> None:
        self._entry_point = entry_point
        self._observe = observe
        self._prelude = _compiled(prelude, "prelude")
        self._test = _compiled(test, "test")
        self.literal_calls = _literal_calls(test, entry_point)

    def record(self, gold: str) -> JsonObject:
        """Run the test on a solution of the author's, and return `{"calls": [...]}`, or `{"invalid": reason}`."""
        calls: list[str] = []
        try:
            names: dict[str, object] = {"__name__": "prelude"}
            exec(self._prelude, names)
            exec(_compiled(gold, "gold"), names)
            solution = names.get(self._entry_point)
            if not callable(solution):
                raise BadTest("gold-without-entry-point")

            def candidate(*args: object, **kwargs: object) -> object:
                calls.append(call_text(args, kwargs))
                if not self._observe:
                    args, kwargs = copy.deepcopy((args, kwargs))
                return decode(encode(solution(*args, **kwargs)))

            self._check(candidate)
        except BadTest as error:
            return {"invalid": error.reason}
        except BaseException:
            return {"invalid": "gold-fails-its-test"}
        return {"calls": list(dict.fromkeys(calls))}

    def replay(self, memo: Mapping[str, Answer]) -> Verdict:
        """Run the test with what is known of a program.

        A lost call and an assertion that fails are the program's fault. Another exception is, too, once a value of the
        program's has been seen; before, it is the author's.

        Args:
            memo: Answers by call.
        """
        answered = 0
        stopped: Verdict | None = None

        def stop(kind: str, detail: str) -> _Stop:
            nonlocal stopped
            stopped = stopped or Verdict(kind, detail, answered)
            return _Stop()

        def candidate(*args: object, **kwargs: object) -> object:
            nonlocal answered
            if stopped is not None:  # the author's `except:` caught the first one
                raise _Stop
            try:
                call = call_text(args, kwargs)
            except UnplainValue as error:
                if error.reason == "not-plain" or not answered:
                    raise stop("invalid", f"call-{error.reason}") from None
                raise stop("failed", f"a call's arguments are {error.reason}") from None
            answer = memo.get(call)
            if answer is None:
                raise stop("suspended", call)
            answered += 1
            if isinstance(answer, Lost):
                raise stop("failed", answer.reason)
            if isinstance(answer, Raised):
                raise answer.exception()
            try:
                value = decode(answer.text)
                if not self._observe:
                    return value
                value, after = value if isinstance(value, tuple) and len(value) == 2 else (None, None)
                _change(args, after)
            except UnplainValue as error:
                raise stop("failed", error.reason) from None
            return value

        try:
            self._check(candidate)
        except BadTest as error:
            return stopped or Verdict("invalid", error.reason, answered)
        except AssertionError:
            return stopped or self._raised("test-fails-by-itself", "an assertion fails", answered)
        except BaseException as error:
            return stopped or self._raised("test-raised", f"the test raises {type(error).__name__}", answered)
        return stopped or self._raised("test-calls-nothing", "passes", answered, kind="passed")

    def _raised(self, unseen: str, seen: str, answered: int, *, kind: str = "failed") -> Verdict:
        """Return whose fault an end is: the author's while no call was answered."""
        return Verdict(kind, seen, answered) if answered else Verdict("invalid", unseen, answered)

    def _check(self, candidate: Callable[..., object]) -> None:
        """Execute prelude and test, and call `check`.

        Raises:
            BadTest: When the prelude raises, or there is no `check`.
        """
        random.seed(_SEED)
        names: dict[str, object] = {"__name__": "test"}
        try:
            exec(self._prelude, names)
        except BaseException:
            raise BadTest("prelude-raised") from None
        names[self._entry_point] = candidate
        exec(self._test, names)
        check = names.get(_CHECK)
        if not callable(check):
            raise BadTest("test-without-check")
        check(candidate)


def runs(prelude: str) -> bool:
    """Whether a prelude can be executed; for references without a test."""
    try:
        exec(_compiled(prelude, "prelude"), {"__name__": "prelude"})
    except BaseException:
        return False
    return True


def _compiled(source: str, name: str) -> CodeType:
    """Compile the author's source.

    Raises:
        BadTest: When it is no Python.
    """
    try:
        return compile(source, f"<{name}>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadTest(f"{name}-not-python") from None


def _literal_calls(test: str, entry_point: str) -> tuple[str, ...]:
    """Return the calls of the candidate whose arguments are literals, in the order of the source."""
    calls: list[str] = []
    nodes = list(ast.walk(ast.parse(test)))
    checks = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == _CHECK]
    names = {entry_point, *(check.args.args[0].arg for check in checks if check.args.args)}
    found = [node for node in nodes if isinstance(node, ast.Call)]
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
        if not isinstance(node.func, ast.Name) or node.func.id not in names:
            continue
        try:
            args = tuple(ast.literal_eval(argument) for argument in node.args)
            kwargs = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg}
            if len(kwargs) == len(node.keywords):
                calls.append(call_text(args, kwargs))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, UnplainValue):
            continue
    return tuple(dict.fromkeys(calls))


def call_text(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return a call as the runner reads it and the memo knows it.

    Raises:
        UnplainValue: When an argument is no plain data.
    """
    return encode((tuple(args), dict(sorted(kwargs.items()))))


def _change(args: tuple[object, ...], after: object) -> None:
    """Give mutable arguments the content that they have after the call."""
    if not isinstance(after, tuple) or len(after) != len(args):
        raise UnplainValue("unreadable")
    for before, now in zip(args, after, strict=True):
        if isinstance(before, list) and isinstance(now, list):
            before[:] = now
        elif (isinstance(before, dict) and isinstance(now, dict)) or (isinstance(before, set) and isinstance(now, set)):
            before.clear()
            before.update(now)
