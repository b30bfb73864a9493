"""Datasets on this machine, checked exactly as a run's Validate checks them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.table import Table
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.console import err
from rft_contract.hyperparameters import Hyperparameters
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import Severity
from rft_dataset.row_reader import RowReader
from rft_dataset.validation import Split

_SHOWN = 50
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}


def check_datasets(
    files: Mapping[Split, Path],
    *,
    hyperparameters: Hyperparameters | None = None,
    readers: Callable[[Source], Sequence[RowReader]] = lambda source: (),
) -> Check:
    """Check dataset files, each by itself and against the others.

    Args:
        files: Split -> file.
        hyperparameters: The job's, where they are known.
        readers: Further ones for a dataset.

    Raises:
        CliError: When a file cannot be read.
    """
    with ExitStack() as opened:
        sources = []
        for split, path in files.items():
            try:
                sources.append(Source(split, str(path), opened.enter_context(path.open("rb"))))
            except OSError as error:
                raise CliError(f"datasets.{split}: {path}: {error.strerror or error}") from None
        with err().status("checking") as spinner:
            return check(
                sources,
                hyperparameters=hyperparameters,
                readers=readers,
                tell=lambda words: spinner.update(f"checking: {words}"),
            )


def require_valid(found: Check) -> None:
    """Refuse datasets with an error.

    Raises:
        CliError: Naming the first one by file and line, and how many there are.
    """
    if errors := found.count(Severity.ERROR):
        first = found.findings[0]
        more = f" (and {errors - 1} more: rft validate shows them)" if errors > 1 else ""
        raise CliError(f"{first}{more}; nothing was uploaded")


def findings_table(found: Check) -> Table:
    """Return the findings for a terminal, the worst first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("where", "severity", "code", "what", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in found.findings[:_SHOWN]:
        place = f"{Path(finding.file).name}:{finding.line}" if finding.line else Path(finding.file).name
        table.add_row(
            Text(f"{place} {finding.path}".strip()),
            Text(finding.severity, _STYLES[finding.severity]),
            Text(finding.code),
            Text(finding.message),
            Text(finding.fix, "dim"),
        )
    left = len(found.findings) - _SHOWN
    if left > 0:
        table.add_row(Text(f"and {left} more: --json has all"))
    return table


def summary(found: Check) -> Iterator[str]:
    """Yield a line for each dataset, and one for all of them."""
    for split, report in found.reports.items():
        yield f"{split}: {report.rows:,} rows in {report.file}"
    counts = {severity: found.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    told = [f"{count:,} {severity}{'s' if count != 1 else ''}" for severity, count in counts.items() if count]
    yield ", ".join(told) or "valid"
