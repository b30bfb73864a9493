"""The files that a report consists of."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.report.dashboard_page import render_dashboard
from rft_cli.report.page import render_page
from rft_contract.layout import RunKeys
from rft_runtime.report import Report, decode_report
from rft_runtime.run_record import RunStore

_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True)
class WrittenReport:
    """A report on this machine.

    Args:
        report: What it says.
        files: Where it lies.
    """

    report: Report
    files: tuple[Path, ...]


def write_report(environment: Environment, run_id: str, folder: Path) -> WrittenReport:
    """Fetch a run's report and write all its forms.

    Args:
        environment: Where the run was.
        run_id: The run.
        folder: Where to write; made when missing.

    Raises:
        CliError: When the run has no report yet.
    """
    keys, bucket = RunKeys(run_id), environment.bucket
    record = RunStore(bucket).find(run_id)
    found, markdown = bucket.find(keys.report_json), bucket.find(keys.report_markdown)
    if record is None or found is None or markdown is None:
        raise CliError(
            f"run {run_id}: no report in environment {environment.name} yet; `rft watch {run_id} {environment.option}` "
            "writes it when the run has ended"
        )
    report = decode_report(found[0])
    start, end = record.started - _MARGIN, (record.ended or record.started) + _MARGIN
    pages = {
        "report.json": found[0],
        "report.md": markdown[0],
        "report.html": render_page(report).encode(),
        "dashboard.html": render_dashboard(environment, start, end).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / name for name in pages)
    for file, body in zip(files, pages.values(), strict=True):
        file.write_bytes(body)
    return WrittenReport(report, files)
