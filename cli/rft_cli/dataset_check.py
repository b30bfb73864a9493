"""Datasets on this machine, checked exactly as a run's Validate checks them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.console import err
from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import MOST_STORED, Severity
from rft_dataset.row_reader import RowReader
from rft_dataset.validation import Split

_SHOWN = 20
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}


def check_datasets(
    files: Mapping[Split, Path],
    *,
    hyperparameters: Hyperparameters | None = None,
    characters_per_token: tuple[float, float] | None = None,
    readers: Callable[[Source], Sequence[RowReader]] | None = None,
) -> Check:
    """Check dataset files, each by itself and against the others.

    Args:
        files: Split -> file.
        hyperparameters: The job's, where they are known.
        characters_per_token: As for `check`.
        readers: Further ones for a dataset. None: no further ones.

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
                characters_per_token=characters_per_token,
                readers=readers or (lambda source: ()),
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


def findings_by_rule(found: Check) -> Iterator[RenderableType]:
    """Yield the findings for a terminal: rule by rule, the worst first, what to do said once."""
    for count, findings in found.by_rule():
        first = findings[0]
        head = Text.assemble((first.severity, _STYLES[first.severity]), f" {first.code} ({count:,}): ")
        yield head.append(first.fix, "dim")
        for finding in findings[:_SHOWN]:
            place = f"{Path(finding.file).name}:{finding.line}" if finding.line else Path(finding.file).name
            yield Padding(Text(f"{' '.join(filter(None, (place, finding.path)))}: {finding.message}"), (0, 0, 0, 2))
        if (left := count - _SHOWN) > 0:
            yield Padding(
                Text(f"and {left:,} more: --json has the first {MOST_STORED:,} of each dataset", "dim"), (0, 0, 0, 2)
            )


def summary(found: Check) -> Iterator[str]:
    """Yield a line for each dataset, and one for all of them."""
    for split, report in found.reports.items():
        steps = _steps(found.facts[split])
        yield f"{split}: {report.rows:,} rows in {report.file}" + (f", {steps}" if steps else "")
    counts = {severity: found.count(severity) for severity in (Severity.ERROR, Severity.WARNING)}
    told = [f"{count:,} {severity}{'s' if count != 1 else ''}" for severity, count in counts.items() if count]
    yield ", ".join(told) or "valid"


def _steps(facts: JsonObject) -> str:
    """Say how many training steps are left of a dataset; empty where the job is not known."""
    steps = facts.get("steps")
    if not isinstance(steps, dict):
        return ""
    fewest, most = steps["fewest"], steps["most"]
    return f"{fewest if fewest == most else f'{fewest} to {most}'} training steps"
