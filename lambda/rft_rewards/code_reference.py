"""The reference answer of the `code` grader: cases, or a test of the author's."""

import keyword
from dataclasses import dataclass

from rft_contract.json_value import JsonValue
from rft_contract.value_codec import UnplainValue
from rft_rewards.author_test import AuthorTest, BadTest, call_text

_KEYS = {"entry_point", "cases", "test", "prelude", "observe"}
_CASE_KEYS = {"args", "kwargs", "expected"}


class BadReference(Exception):
    """A reference judges no program.

    Args:
        reason: A code in kebab case.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Case:
    """One call and its value.

    Args:
        call: The arguments, encoded.
        expected: The value.
    """

    call: str
    expected: JsonValue


@dataclass(frozen=True, slots=True)
class CodeReference:
    """What judges a program.

    Args:
        entry_point: Name of the function.
        prelude: Source that both sides execute first.
        observe: Whether the arguments after the call are looked at: by a case instead of the value, by a test where it
            looks at what it passed.
        cases: Calls with their values; empty when there is a test.
        test: The author's test; None when there are cases.
    """

    entry_point: str
    prelude: str
    observe: bool
    cases: tuple[Case, ...]
    test: AuthorTest | None


def read_reference(reference: JsonValue) -> CodeReference:
    """Read `{"entry_point", "cases" | "test", "prelude"?, "observe"?}`.

    Raises:
        BadReference: When it has another form.
    """
    if reference is None:
        raise BadReference("reference-missing")
    if not isinstance(reference, dict) or not reference.keys() <= _KEYS:
        raise BadReference("reference-not-of-code")
    entry_point = reference.get("entry_point")
    prelude = reference.get("prelude", "")
    observe = reference.get("observe")
    if not isinstance(entry_point, str) or not entry_point.isidentifier() or keyword.iskeyword(entry_point):
        raise BadReference("reference-without-entry-point")
    if not isinstance(prelude, str) or observe not in (None, "args") or ("cases" in reference) == ("test" in reference):
        raise BadReference("reference-not-of-code")
    test = reference.get("test")
    if test is None:
        return CodeReference(entry_point, prelude, observe == "args", _cases(reference.get("cases")), None)
    if not isinstance(test, str):
        raise BadReference("reference-not-of-code")
    try:
        compiled = AuthorTest(test=test, prelude=prelude, entry_point=entry_point, observe=observe == "args")
    except BadTest as error:
        raise BadReference(error.reason) from None
    return CodeReference(entry_point, prelude, observe == "args", (), compiled)


def _cases(cases: JsonValue) -> tuple[Case, ...]:
    """Read the cases.

    Raises:
        BadReference: When there is none, or one has another form.
    """
    if not isinstance(cases, list) or not cases:
        raise BadReference("reference-without-cases")
    read: list[Case] = []
    for case in cases:
        if not isinstance(case, dict) or "expected" not in case or not case.keys() <= _CASE_KEYS:
            raise BadReference("case-unreadable")
        args, kwargs = case.get("args", []), case.get("kwargs", {})
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise BadReference("case-unreadable")
        try:
            read.append(Case(call_text(args, kwargs), case["expected"]))
        except UnplainValue as error:
            raise BadReference(f"case-{error.reason}") from None
    return tuple(read)
