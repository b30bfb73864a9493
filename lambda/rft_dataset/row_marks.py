"""Ids and groups: what tells rows apart, and what keeps them together."""

from collections.abc import Iterable, Iterator

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.records import Row
from rft_dataset.rules import finding


class RowMarks:
    """The ids and groups of one dataset (a `RowReader`).

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._ids: dict[str, int] = {}
        self._groups: dict[bytes, int] = {}

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        if row.id is not None:
            self._ids.setdefault(row.id, line)
        group = bytes(row.group)
        if group not in (b"", b"null", b'""'):
            self._groups.setdefault(group, line)

    def findings(self) -> Iterable[Finding]:
        """Return nothing: ids that repeat are found row by row."""
        return ()

    def facts(self) -> JsonObject:
        """Return how many there are."""
        return {"ids": len(self._ids), "groups": len(self._groups)}

    def leaks_into(self, other: "RowMarks", *, prefix: str) -> Iterator[Finding]:
        """Yield the ids and groups that another dataset shares with this one.

        Args:
            other: A dataset of the same run.
            prefix: Of the codes: `leak-` or `leak-validation-`.
        """
        for row_id, line in other._ids.items():
            if row_id in self._ids:
                yield finding(other.file, line, f"{prefix}id", f"the id of {self.file}:{self._ids[row_id]}", "$.id")
        for group, line in other._groups.items():
            if group in self._groups:
                message = f"the group of {self.file}:{self._groups[group]}"
                yield finding(other.file, line, f"{prefix}group", message, "$.group")
