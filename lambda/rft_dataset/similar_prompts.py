"""Prompts that say the same: within a dataset, and across the datasets of a run."""

from collections.abc import Iterator
from functools import cached_property

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.prompt_index import PromptIndex
from rft_dataset.prompt_sketch import Sketch, sketch
from rft_dataset.records import Row
from rft_dataset.rules import finding

_PATH = "$.messages"


class Prompts:
    """The prompts of one dataset (a `RowReader`). All rows are taken before the first question is asked.

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._prompts: list[Sketch] = []

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        self._prompts.append(sketch(line, row))

    def findings(self) -> Iterator[Finding]:
        """Yield the prompts that are like an earlier one; those that are identical are found row by row."""
        for prompt, first in self._compared[1]:
            yield finding(self.file, prompt.line, "similar-prompt", _like(prompt, first, f"line {first.line}"), _PATH)

    def facts(self) -> JsonObject:
        """Return how many prompts there are that differ, and which share of all rows is like an earlier one."""
        return {
            "distinct_prompts": len({prompt.folded for prompt in self._prompts}),
            "near_duplicate_share": round(len(self._compared[1]) / max(1, len(self._prompts)), 4),
        }

    def leaks_into(self, other: "Prompts", *, prefix: str) -> Iterator[Finding]:
        """Yield what another dataset shares with this one, in the order of the other's lines.

        Args:
            other: A dataset whose prompts should be new.
            prefix: Of the codes: `leak-` or `leak-validation-`.
        """
        index, _ = self._compared
        for prompt in other._prompts:
            first = index.nearest(prompt)
            if first is not None:
                place = f"{self.file}:{first.line}"
                if prompt.folded == first.folded:
                    yield finding(other.file, prompt.line, f"{prefix}prompt", f"the prompt of {place}", _PATH)
                else:
                    message = _like(prompt, first, place)
                    yield finding(other.file, prompt.line, f"{prefix}similar-prompt", message, _PATH)

    def first_alike(self) -> dict[int, int]:
        """Return for each line that of the first prompt which says the same, exactly or nearly; it may be the line."""
        alike = {prompt.line: first.line for prompt, first in self._compared[1]}
        texts: dict[bytes, int] = {}
        firsts: dict[int, int] = {}
        for prompt in self._prompts:
            known = texts.setdefault(prompt.text, prompt.line)
            known = alike.get(prompt.line, known)
            firsts[prompt.line] = firsts.get(known, known)
        return firsts

    @cached_property
    def _compared(self) -> tuple[PromptIndex, list[tuple[Sketch, Sketch]]]:
        """The prompts' index, and the pairs of a prompt and the earlier one that it is most like."""
        index = PromptIndex(self._prompts)
        texts: set[bytes] = set()
        alike: list[tuple[Sketch, Sketch]] = []
        for prompt in self._prompts:
            if prompt.text in texts:
                continue
            texts.add(prompt.text)
            first = index.nearest_then_add(prompt)
            if first is not None:
                alike.append((prompt, first))
        return index, alike


def _like(prompt: Sketch, first: Sketch, place: str) -> str:
    """Say that a prompt is like another, and whether their reference answers differ."""
    differ = ", but their reference answers differ" if prompt.answer != first.answer else ""
    return f"like the prompt of {place}{differ}"
