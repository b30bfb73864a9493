"""What a validation found."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from rft_contract.json_value import JsonObject, JsonValue

MOST_STORED = 1000
"""Findings of one code that a report keeps; counts go on."""


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


@dataclass(frozen=True)
class Digest:
    """What two datasets are compared by.

    Args:
        ids: Row id -> its first line.
        prompts: Hash of the prompt's text -> its first line.
    """

    ids: dict[str, int] = field(default_factory=dict)
    prompts: dict[int, int] = field(default_factory=dict)


@dataclass
class Report:
    """All findings of one dataset.

    Args:
        file: Name of the dataset.
        rows: Lines that hold a row, good or bad.
        findings: The first `MOST_STORED` findings of each code, in the order of the file.
        counts: Code -> number of findings, stored or not.
        severities: Severity -> number of findings, stored or not.
        digest: Ids and prompts, for comparing with other datasets of this process.
    """

    file: str
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)
    digest: Digest = field(default_factory=Digest, repr=False)

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return not self.severities[Severity.ERROR]

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there is room."""
        self.counts[finding.code] += 1
        self.severities[finding.severity] += 1
        if self.counts[finding.code] <= MOST_STORED:
            self.findings.append(finding)

    def errors(self) -> list[Finding]:
        """Return the stored errors."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def to_json(self) -> JsonObject:
        """Return the report as JSON."""
        findings: list[JsonValue] = [msgspec.to_builtins(finding) for finding in self.findings]
        return {
            "file": self.file,
            "rows": self.rows,
            "valid": self.is_valid,
            "counts": dict(self.counts),
            "severities": {severity.value: self.severities[severity] for severity in Severity},
            "findings": findings,
        }
