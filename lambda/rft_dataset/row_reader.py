"""What looks at the rows of a dataset while it is validated."""

from collections.abc import Iterable
from typing import Protocol

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.records import Row

MOST_EXAMINED = 50_000
"""Rows of one dataset that readers see, so that memory stays bounded; Bedrock trains on 20,000 at most."""


class RowReader(Protocol):
    """Sees the sound rows of one dataset in their order, and says afterwards what it found in them as a whole."""

    def see(self, line: int, row: Row) -> None:
        """Take a row.

        Args:
            line: Its line number, from 1.
            row: The row; nothing is wrong with it as such.
        """

    def findings(self) -> Iterable[Finding]:
        """Return what was found, once all rows were seen."""

    def facts(self) -> JsonObject:
        """Return what else is worth knowing, as JSON for reports and pages."""
