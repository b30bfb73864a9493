"""Datasets on this machine, checked exactly as a run's Validate checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.findings import Finding, Report, Severity
from rft_dataset.validation import Split, compare, validate

_SHOWN = 50
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}


@dataclass(frozen=True)
class DatasetCheck:
    """What was found in a run's datasets.

    Args:
        reports: Split -> its own findings.
        across: What the splits share.
    """

    reports: Mapping[Split, Report]
    across: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All stored findings, the worst first, each dataset in its order."""
        every = [finding for report in self.reports.values() for finding in report.findings]
        order = list(Severity)
        return tuple(sorted([*every, *self.across], key=lambda finding: order.index(finding.severity)))

    @property
    def errors(self) -> int:
        """How many errors there are, stored or not."""
        within = sum(report.severities[Severity.ERROR] for report in self.reports.values())
        return within + sum(finding.severity is Severity.ERROR for finding in self.across)

    def to_json(self) -> JsonObject:
        """Return everything for programs."""
        datasets: JsonObject = {split: report.to_json() for split, report in self.reports.items()}
        across: list[JsonValue] = [str(finding) for finding in self.across]
        return {"valid": not self.errors, "datasets": datasets, "across": across}


def check_datasets(files: Mapping[Split, Path]) -> DatasetCheck:
    """Check dataset files, each by itself and against the others.

    Args:
        files: Split -> file.

    Raises:
        CliError: When a file cannot be read.
    """
    reports: dict[Split, Report] = {}
    for split, path in files.items():
        try:
            with path.open("rb") as stream:
                reports[split] = validate(stream, str(path), split=split)
        except OSError as error:
            raise CliError(f"datasets.{split}: {path}: {error.strerror or error}") from None
    return DatasetCheck(reports, tuple(compare(reports)))


def require_valid(check: DatasetCheck) -> None:
    """Refuse datasets with an error.

    Raises:
        CliError: Naming the first one by file and line, and how many there are.
    """
    if check.errors:
        first = check.findings[0]
        more = f" (and {check.errors - 1} more: rft validate shows them)" if check.errors > 1 else ""
        raise CliError(f"{first}{more}; nothing was uploaded")


def findings_table(check: DatasetCheck) -> Table:
    """Return the findings for a terminal, the worst first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("where", "severity", "code", "what", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in check.findings[:_SHOWN]:
        place = f"{Path(finding.file).name}:{finding.line}" if finding.line else Path(finding.file).name
        table.add_row(
            Text(f"{place} {finding.path}".strip()),
            Text(finding.severity, _STYLES[finding.severity]),
            Text(finding.code),
            Text(finding.message),
            Text(finding.fix, "dim"),
        )
    left = len(check.findings) - _SHOWN
    if left > 0:
        table.add_row(Text(f"and {left} more: --json has all"))
    return table
