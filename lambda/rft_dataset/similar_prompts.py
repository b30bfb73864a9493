"""Prompts that say the same: within a dataset, and across the datasets of a run."""

from collections.abc import Iterable, Iterator

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.records import Row
from rft_dataset.rules import finding


class Prompts:
    """The prompts of one dataset (a `RowReader`).

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._lines: dict[str, int] = {}

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        self._lines.setdefault(" ".join(row.asked().split()).casefold(), line)

    def findings(self) -> Iterable[Finding]:
        """Return the prompts that repeat another with small changes."""
        return ()

    def facts(self) -> JsonObject:
        """Return how many prompts differ."""
        return {"distinct_prompts": len(self._lines)}

    def leaks_into(self, other: "Prompts", *, prefix: str) -> Iterator[Finding]:
        """Yield what another dataset shares with this one, in the order of the other's lines.

        Args:
            other: A dataset whose prompts should be new.
            prefix: Of the codes: `leak-` or `leak-validation-`.
        """
        for prompt, line in other._lines.items():
            if prompt in self._lines:
                message = f"the prompt of {self.file}:{self._lines[prompt]}"
                yield finding(other.file, line, f"{prefix}prompt", message)
