"""Rows that belong in one dataset: what shares a source, an id or a prompt must not be split apart."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec

from rft_contract.json_value import JsonValue, canonical
from rft_dataset.field_path import field_at
from rft_dataset.prompt_index import PromptIndex
from rft_dataset.prompt_sketch import Sketch, sketch
from rft_dataset.raw_value import value_of
from rft_dataset.records import Row, folded
from rft_dataset.row_reader import MOST_EXAMINED
from rft_dataset.validation import Split

SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")

_KEY = 8
_NOTHING: tuple[JsonValue, ...] = (None, "")


class RowGroups:
    """The rows of one dataset, in groups that must stay together.

    Rows belong together when they share an `id`, the value of a field, or a prompt: the same one, or one that
    `rft_dataset.prompt_index` calls similar. Similar prompts are looked for among the first `MOST_EXAMINED` rows, as
    validation does; of further rows those belong together that say the same in the same words.

    Hashes are kept, and no text: about a kilobyte for each of the first rows, and a quarter of it for further ones.

    Args:
        by: Paths of fields whose value rows of one group share, the one that names the group first.
        stratify: Path of a field that is mixed alike in every split; None: none.
    """

    def __init__(self, *, by: Sequence[str] = ("group",), stratify: str | None = None) -> None:
        self.having: Counter[str] = Counter()
        """Path -> rows that have the field."""
        self.alike = 0
        """Rows that nothing but their prompt brought into the group of an earlier one."""
        self._by = tuple(by)
        self._stratify = stratify
        self._first = array("Q")
        self._keys = bytearray()
        self._strata = array("Q")
        self._marks: dict[bytes, int] = {}
        self._sketches: list[Sketch] = []
        self._rows = msgspec.json.Decoder(Row)
        self._fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._first)

    def see(self, line: bytes) -> None:
        """Take a row.

        Args:
            line: The line's bytes.

        Raises:
            ValueError: When it is no row of a dataset.
        """
        try:
            row = self._rows.decode(line)
            fields = self._fields.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ValueError("not a row of a dataset") from None
        place = len(self)
        self._first.append(place)
        named = {path: value for path in self._by if (value := _value(fields, path)) not in _NOTHING}
        self.having.update(named.keys())
        marks = [_mark(path, value) for path, value in named.items()]
        prompt = _hash(folded(row.asked()))
        self._keys += marks[0] if marks else prompt
        for mark in marks if row.id is None else (*marks, _mark("id", row.id)):
            self._join(place, self._marks.setdefault(mark, place))
        self._see_prompt(place, row)
        if self._stratify:
            value = _value(fields, self._stratify)
            self.having[self._stratify] += value not in _NOTHING
            self._strata.append(int.from_bytes(_mark(self._stratify, value), "big"))

    def join_similar(self) -> None:
        """Let rows of similar prompts belong together; done once, when all rows were taken."""
        index = PromptIndex(self._sketches)
        for prompt in self._sketches:
            first = index.nearest_then_add(prompt)
            if first is not None:
                self._join_alike(prompt.line, first.line)

    def join_leaks(self, split_of: Sequence[Split]) -> bool:
        """Let rows belong together that validation would call a leak between two splits.

        Args:
            split_of: Row, from 0 -> where it would go.

        Returns:
            Whether there were any.
        """
        prompts: dict[Split, list[Sketch]] = {split: [] for split in SPLITS}
        for prompt in self._sketches:
            prompts[split_of[prompt.line]].append(prompt)
        train, validation, held_out = (prompts[split] for split in SPLITS)
        leaks = [*_shared(train, [*validation, *held_out]), *_shared(validation, held_out)]
        for one, other in leaks:
            self._join_alike(one.line, other.line)
        return bool(leaks)

    def of(self, row: int) -> int:
        """Return the group of a row, from 0: the first row of it."""
        first = self._first
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    def sizes(self) -> Counter[int]:
        """Return group -> how many rows it has, in the order of their first rows."""
        return Counter(self.of(row) for row in range(len(self)))

    def key(self, group: int) -> bytes:
        """Return what names a group whatever rows are added behind: its first row's field, or else its prompt."""
        return bytes(self._keys[group * _KEY : (group + 1) * _KEY])

    def stratum(self, group: int) -> int:
        """Return the stratum of a group: its first row's."""
        return self._strata[group] if self._strata else 0

    def _see_prompt(self, place: int, row: Row) -> None:
        """Keep a prompt, and join its row with those that say the same."""
        prompt = sketch(place, row)
        same = self._marks.setdefault(prompt.said, place)
        if same != place:
            self._join_alike(place, same)
        if place < MOST_EXAMINED:
            self._sketches.append(prompt)

    def _join_alike(self, one: int, other: int) -> None:
        """Join two rows of like prompts."""
        self.alike += self._join(one, other)

    def _join(self, one: int, other: int) -> bool:
        """Join the groups of two rows, and return whether they were two: the earlier first row is the group's."""
        one, other = self.of(one), self.of(other)
        self._first[max(one, other)] = min(one, other)
        return one != other


def _shared(known: list[Sketch], others: list[Sketch]) -> Iterator[tuple[Sketch, Sketch]]:
    """Yield the prompts of a split that are like one of another's, after that one."""
    if known and others:
        index = PromptIndex(known)
        for prompt in known:
            index.nearest_then_add(prompt)
        for prompt in others:
            first = index.nearest(prompt)
            if first is not None:
                yield first, prompt


def _value(fields: dict[str, msgspec.Raw], path: str) -> JsonValue:
    """Return the value at a path; None when there is none."""
    name = path if path in fields else path.partition(".")[0]
    return field_at({name: value_of(fields[name])}, path) if name in fields else None


def _mark(path: str, value: JsonValue) -> bytes:
    """Return a hash of a field with a value."""
    return _hash(f"{path}\0{canonical(value)}")


def _hash(text: str) -> bytes:
    """Return 64 bits of a text, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest()
