"""What was found in datasets."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from rft_contract.json_value import JsonObject, JsonValue

MOST_STORED = 1000
"""Findings of one code that are kept; counts go on."""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """Bedrock refuses it, or the run would be worthless: the run ends `INVALID_DATASET`."""
    WARNING = "warning"
    """Probably a mistake."""
    ADVICE = "advice"
    """Legal, and could be better."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know about a dataset. No field holds text of the data beyond names of fields and roles.

    Args:
        file: Name of the dataset.
        line: Line number from 1; 0 for the file as a whole.
        path: Where in the line's JSON, such as `$.messages[0].role`; empty for the line as a whole.
        severity: How much it matters.
        code: Stable name of the rule.
        message: What is wrong: the value got and the value wanted.
        fix: What to do about it.
    """

    file: str
    line: int
    severity: Severity
    code: str
    message: str
    fix: str
    path: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = f" {self.path}" if self.path else ""
        return f"{place}:{where} {self.severity} {self.code}: {self.message}; {self.fix}"


@dataclass
class Findings:
    """Findings, of which each code keeps the first `MOST_STORED` and counts the rest.

    Args:
        stored: The kept ones, in the order in which they were made.
        counts: Code -> number of findings, kept or not.
        severities: Severity -> number of findings, kept or not.
        errors: How many of them are errors.
    """

    stored: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)
    errors: int = 0

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there is room."""
        if self.counts[finding.code] < MOST_STORED:
            self.stored.append(finding)
        self.count(finding, 1)

    def count(self, finding: Finding, times: int) -> None:
        """Count further findings like one that was added, without keeping them."""
        self.counts[finding.code] += times
        self.severities[finding.severity] += times
        if finding.severity is Severity.ERROR:
            self.errors += times

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add several."""
        for finding in findings:
            self.add(finding)

    def to_json(self) -> JsonObject:
        """Return counts and the kept findings."""
        stored: list[JsonValue] = [msgspec.to_builtins(finding) for finding in self.stored]
        return {
            "counts": dict(self.counts),
            "severities": {severity.value: self.severities[severity] for severity in Severity},
            "findings": stored,
        }


def in_rows(number: int) -> str:
    """Return a number of rows as a message says it."""
    return f"{number:,} row{'s' if number != 1 else ''}"
