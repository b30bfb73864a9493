"""How long prompts are, and what a job makes of them."""

from collections.abc import Iterable

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.records import Row


class PromptLengths:
    """The prompts' lengths of one dataset (a `RowReader`).

    Args:
        file: Name of the dataset.
        hyperparameters: The job's. None: unknown, and only lengths are told.
    """

    def __init__(self, file: str, hyperparameters: Hyperparameters | None = None) -> None:
        self._file = file
        self._hyperparameters = hyperparameters

    def see(self, line: int, row: Row) -> None:
        """Take a row."""

    def findings(self) -> Iterable[Finding]:
        """Return what was found."""
        return ()

    def facts(self) -> JsonObject:
        """Return what is worth knowing."""
        return {}
