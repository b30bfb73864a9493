"""Ids and groups: what tells rows apart, and what keeps them together."""

from collections.abc import Iterator
from dataclasses import dataclass

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding, in_rows
from rft_dataset.raw_value import key_of
from rft_dataset.records import Row
from rft_dataset.rules import finding

FORGOTTEN_SHARE = 0.05
"""When at most this share of the rows has no group, and the others have one, it was probably forgotten."""


@dataclass
class _Group:
    """Rows that share a `group`."""

    line: int
    rows: int = 0


class RowMarks:
    """The ids and groups of one dataset (a `RowReader`).

    A group is any JSON value; `1` and `1.0` are the same one, `1` and `"1"` are not.

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._ids: dict[int, int] = {}
        self._groups: dict[int, _Group] = {}
        self._ungrouped = _Group(0)

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        if row.id is not None:
            self._ids.setdefault(hash(row.id), line)
        if row.has_group():
            self._groups.setdefault(key_of(row.group), _Group(line)).rows += 1
        else:
            self._ungrouped.line = self._ungrouped.line or line
            self._ungrouped.rows += 1

    def findings(self) -> Iterator[Finding]:
        """Yield whether some groups were forgotten; ids that repeat are found row by row."""
        rows = self._ungrouped.rows
        every = rows + sum(group.rows for group in self._groups.values())
        if 0 < rows <= FORGOTTEN_SHARE * every:
            message = f"{in_rows(rows)} of {every:,} without a group, line {self._ungrouped.line} the first"
            yield finding(self.file, 0, "missing-group", message, "$.group")

    def facts(self) -> JsonObject:
        """Return how many there are, and how many rows the largest group has."""
        largest = max((group.rows for group in self._groups.values()), default=0)
        return {
            "ids": len(self._ids),
            "groups": len(self._groups),
            "largest_group": largest,
            "ungrouped": self._ungrouped.rows,
        }

    def leaks_into(self, other: "RowMarks", *, prefix: str) -> Iterator[Finding]:
        """Yield the ids and groups that another dataset shares with this one, a group once.

        Args:
            other: A dataset of the same run.
            prefix: Of the codes: `leak-` or `leak-validation-`.
        """
        for row_id, line in other._ids.items():
            if row_id in self._ids:
                yield finding(other.file, line, f"{prefix}id", f"the id of {self.file}:{self._ids[row_id]}", "$.id")
        for key, there in other._groups.items():
            if here := self._groups.get(key):
                message = (
                    f"the group of {self.file}:{here.line}: {in_rows(here.rows)} there, {in_rows(there.rows)} here"
                )
                yield finding(other.file, there.line, f"{prefix}group", message, "$.group")
