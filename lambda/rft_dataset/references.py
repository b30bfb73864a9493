"""Reference answers: whether they agree with each other."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.findings import Finding
from rft_dataset.raw_value import key_of, value_of
from rft_dataset.records import Row, folded
from rft_dataset.rules import finding

EXPECTED_SHARE = 0.95
"""A key that this share of the objects has is expected of all of them; one that fewer have is optional."""
ODD_SHARE = 0.01
"""A key that at most this share of the objects has looks like a typing error."""

_PATH = "$.reference_answer"
_MOST_KEYS = 64
_MOST_FIELDS = 1_000
"""Keys of one object, and different keys of all; beyond them keys are data, not names."""
_MOST_NAMED = 5
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,39}", re.ASCII)

_TYPES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}


class _Field(NamedTuple):
    """A key of an object and its value's type; empty when null, which says nothing."""

    key: str
    type: str


class _Shape(NamedTuple):
    """What a reference looks like: its type, and for an object its keys with their values' types."""

    type: str
    fields: tuple[_Field, ...] = ()


class References:
    """The reference answers of one dataset (a `RowReader`).

    Two rows contradict each other when their prompts (system turn, tools and other turns, without case and whitespace)
    are the same and their references are not. References are mixed when their JSON types differ, when a key's value has
    another type than in most objects, when a key is missing that at least `EXPECTED_SHARE` of the objects have, or when
    there is one that at most `ODD_SHARE` have. Keys in between are optional, and nothing is said of them.

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._without = 0
        self._answers: dict[int, tuple[int, int]] = {}
        self._contradictions: list[tuple[int, int]] = []
        self._lines: defaultdict[_Shape, list[int]] = defaultdict(list)
        self._fields: dict[_Field, _Field] = {}
        self._keys_are_data = False

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        value = value_of(row.reference_answer)
        if value is None or value == "":
            self._without += 1
            return
        self._lines[self._shape(value)].append(line)
        answer = key_of(row.reference_answer)
        first, expected = self._answers.setdefault(_prompt_key(row), (line, answer))
        if answer != expected:
            self._contradictions.append((line, first))

    def findings(self) -> Iterator[Finding]:
        """Yield the references that contradict an earlier row's, and those that look unlike the others."""
        for line, first in self._contradictions:
            message = f"the prompt of line {first}, with another reference_answer"
            yield finding(self._file, line, "contradictory-reference", message, _PATH)
        messages = dict(self._unlike_the_others())
        rows = [(line, message) for shape, message in messages.items() for line in self._lines[shape]]
        for line, message in sorted(rows):
            yield finding(self._file, line, "mixed-references", message, _PATH)

    def facts(self) -> JsonObject:
        """Return how many rows have a reference of which type, and which share of the objects has which key."""
        types, keys = self._types(), self._keys()
        objects = types["an object"]
        counts: JsonObject = {name.split()[1]: rows for name, rows in types.most_common()}
        shares: JsonObject = {key: round(sum(of.values()) / objects, 4) for key, of in keys.items()}
        return {
            "references": {
                "types": counts,
                "missing": self._without,
                "contradictory": len(self._contradictions),
                "keys": shares,
            }
        }

    def _shape(self, value: JsonValue) -> _Shape:
        """Return what a reference looks like; keys that are data are left out."""
        name = _TYPES[type(value)]
        if not isinstance(value, dict) or self._keys_are_data:
            return _Shape(name)
        fields = [self._fields.setdefault(field, field) for field in map(_field, sorted(value.items()))]
        if len(fields) > _MOST_KEYS or len(self._fields) > _MOST_FIELDS:
            self._keys_are_data = True
            self._forget_keys()
            return _Shape(name)
        return _Shape(name, tuple(fields))

    def _forget_keys(self) -> None:
        """Keep the types alone."""
        self._fields.clear()
        known, self._lines = self._lines, defaultdict(list)
        for shape, lines in known.items():
            self._lines[_Shape(shape.type)] += lines

    def _unlike_the_others(self) -> Iterator[tuple[_Shape, str]]:
        """Yield the shapes that are not like most, and how."""
        types = self._types()
        for usual, rows in types.most_common(1):
            share = f"{_percent(rows, types.total())} of rows have {usual}"
            for shape in self._lines:
                if shape.type != usual:
                    yield shape, f"{_told(shape)}; {share}"
            if usual == _TYPES[dict]:
                yield from self._unlike_objects(rows)

    def _unlike_objects(self, objects: int) -> Iterator[tuple[_Shape, str]]:
        """Yield the shapes of objects that are not like most of them, and how."""
        keys = self._keys()
        expected = {key for key, types in keys.items() if types.total() >= EXPECTED_SHARE * objects}
        odd = self._odd_keys(keys, objects)
        for shape in self._lines:
            if shape.type != _TYPES[dict] or self._keys_are_data:
                continue
            has = {field.key for field in shape.fields}
            told = []
            if missing := expected - has:
                rarest = min(keys[key].total() for key in missing)
                told.append(f"without {_named(missing)}, which {_percent(rarest, objects)} of objects have")
            if extra := odd & has:
                commonest = max(keys[key].total() for key in extra)
                told.append(f"with {_named(extra)}, which {_percent(commonest, objects)} of objects have")
            told += _other_types(shape, keys)
            if told:
                yield shape, f"an object {', '.join(told)}"

    def _odd_keys(self, keys: dict[str, Counter[str]], objects: int) -> set[str]:
        """Return the keys that look like typing errors; none when many objects have such ones: those are data."""
        odd = {key for key, types in keys.items() if types.total() <= ODD_SHARE * objects}
        having = sum(
            len(lines) for shape, lines in self._lines.items() if any(field.key in odd for field in shape.fields)
        )
        return odd if having <= (1 - EXPECTED_SHARE) * objects else set()

    def _types(self) -> Counter[str]:
        """Return type -> rows."""
        types: Counter[str] = Counter()
        for shape, lines in self._lines.items():
            types[shape.type] += len(lines)
        return types

    def _keys(self) -> dict[str, Counter[str]]:
        """Return key -> type of its value -> objects that have it."""
        keys: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for shape, lines in self._lines.items():
            for field in shape.fields:
                keys[field.key][field.type] += len(lines)
        return dict(keys)


def _prompt_key(row: Row) -> int:
    """Return a number that is the same for prompts that ask the same, whatever their case and whitespace."""
    calls = [turn.tool_calls for turn in row.messages if turn.tool_calls]
    tools = msgspec.json.encode((row.tools, calls)) if row.tools or calls else b""
    return hash((folded(row.system()), folded(row.asked()), tools))


def _field(item: tuple[str, JsonValue]) -> _Field:
    """Return a key with its value's type."""
    key, value = item
    return _Field(key, "" if value is None else _TYPES[type(value)])


def _other_types(shape: _Shape, keys: dict[str, Counter[str]]) -> Iterator[str]:
    """Yield what of an object has another type than in most of them."""
    for field in shape.fields:
        types = Counter({name: rows for name, rows in keys[field.key].items() if name})
        if field.type and len(types) > 1:
            ((usual, rows),) = types.most_common(1)
            if field.type != usual:
                share = _percent(rows, types.total())
                yield f"whose {_named([field.key])} is {field.type}; {share} of objects have {usual} there"


def _told(shape: _Shape) -> str:
    """Say what a reference is."""
    return f"{shape.type} with {_named(field.key for field in shape.fields)}" if shape.fields else shape.type


def _named(keys: Iterable[str]) -> str:
    """Name keys: those that look like names, and not too many."""
    every = sorted(keys)
    names = [key for key in every if _NAME.fullmatch(key)][:_MOST_NAMED]
    noun = "key" if len(every) == 1 else "keys"
    if not names:
        return f"{len(every)} {noun}"
    left = len(every) - len(names)
    others = f" and {left} other{'s' if left > 1 else ''}" if left else ""
    return f"{noun} {', '.join(names)}{others}"


def _percent(part: int, whole: int) -> str:
    """Return a share; a part is never rounded to nothing, nor to the whole when it is less."""
    share = 100 * part / whole
    return f"{share:.0f} %" if 1 <= share <= 99 or part == whole else f"{min(max(share, 0.1), 99.9):.1f} %"
