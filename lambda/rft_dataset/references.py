"""Reference answers: whether they agree with each other."""

from collections.abc import Iterable

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.records import Row


class References:
    """The reference answers of one dataset (a `RowReader`).

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self._file = file

    def see(self, line: int, row: Row) -> None:
        """Take a row."""

    def findings(self) -> Iterable[Finding]:
        """Return what was found."""
        return ()

    def facts(self) -> JsonObject:
        """Return what is worth knowing."""
        return {}
