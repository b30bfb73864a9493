"""The author's cases: completions that the reward must call good and bad, where none can be written from a reference.

A file `cases.json`:

    {"schema": 1, "cases": [{"prompt": "...", "reference_answer": ..., "good": ["..."], "bad": ["..."]}]}

`messages` may stand in place of `prompt`, and every other key of a case reaches the reward as the row's metadata. A
completion is a text, or an object with `content` and `tool_calls`.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.certification.probe import Turn
from rft_runtime.certification.row import Row

SCHEMA = 1
ENOUGH = 20
"""Good and bad completions, each, from which on cases are enough."""


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt with completions.

    Args:
        number: Its place in the file, from 1.
        row: The prompt.
        good: Completions that should pass.
        bad: Completions that should not.
    """

    number: int
    row: Row
    good: tuple[Turn, ...]
    bad: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """A file of cases.

    Args:
        cases: In the file's order.
        sha256: Of the file.
    """

    cases: tuple[Case, ...]
    sha256: str

    @property
    def good(self) -> int:
        """How many good completions there are."""
        return sum(len(case.good) for case in self.cases)

    @property
    def bad(self) -> int:
        """How many bad ones."""
        return sum(len(case.bad) for case in self.cases)


def read_cases(body: bytes) -> Cases:
    """Read a file of cases.

    Raises:
        ValueError: One line that names the case and what is wrong with it.
    """
    try:
        value: JsonValue = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"cases: not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or not isinstance(value.get("cases"), list):
        raise ValueError(f'cases: wanted {{"schema": {SCHEMA}, "cases": [...]}}')
    listed = value["cases"]
    assert isinstance(listed, list)
    cases = tuple(_case(case, number) for number, case in enumerate(listed, 1))
    return Cases(cases, hashlib.sha256(body).hexdigest())


def _case(value: JsonValue, number: int) -> Case:
    where = f"cases[{number - 1}]"
    if not isinstance(value, dict):
        raise ValueError(f"{where}: got {type(value).__name__}, wanted an object")
    fields: JsonObject = {name: item for name, item in value.items() if name not in ("prompt", "good", "bad")}
    if isinstance(prompt := value.get("prompt"), str):
        fields["messages"] = [{"role": "user", "content": prompt}]
    if not isinstance(fields.get("messages"), list) or not fields["messages"]:
        raise ValueError(f"{where}: wanted `prompt`, a text, or `messages`, a list of turns")
    good, bad = _turns(value, "good", where), _turns(value, "bad", where)
    if not good and not bad:
        raise ValueError(f"{where}: wanted completions in `good` or `bad`")
    return Case(number, Row(number, fields, is_case=True), good, bad)


def _turns(value: JsonObject, name: str, where: str) -> tuple[Turn, ...]:
    listed = value.get(name, [])
    if not isinstance(listed, list):
        raise ValueError(f"{where}.{name}: got {type(listed).__name__}, wanted a list of completions")
    try:
        return tuple(Turn.from_json(item) for item in listed)
    except ValueError as error:
        raise ValueError(f"{where}.{name}: {error}") from None
