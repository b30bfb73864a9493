"""The runs of an environment, with what became of each."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
from rich.table import Table
from rich.text import Text

from rft_cli import execution
from rft_cli.environment import Environment
from rft_runtime.run_record import RunStore

_STYLES = {"PROMOTED": "green", "PASSED": "green", "REJECTED": "yellow", "STOPPED": "yellow"}


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list.

    Args:
        run_id: The run.
        started: When.
        ended: When it ended; None while it runs.
        stage: The workflow state entered last; None before the first.
        outcome: How it ended; None while it runs.
        reason: Why.
    """

    run_id: str
    started: datetime
    ended: datetime | None
    stage: str | None
    outcome: str | None
    reason: str | None


def list_runs(environment: Environment, limit: int) -> list[RunSummary]:
    """Return the newest runs, newest first.

    Args:
        environment: Where.
        limit: How many at most.
    """
    store = RunStore(environment.bucket)
    summaries = []
    for found in islice(execution.executions(environment, limit=limit), limit):
        record = store.find(found.run_id)
        summaries.append(
            RunSummary(
                run_id=found.run_id,
                started=found.started.astimezone(UTC),
                ended=found.ended.astimezone(UTC) if found.ended else None,
                stage=record.stage if record else None,
                outcome=record.outcome if record else None,
                reason=record.reason if record else None,
            )
        )
    return summaries


def table(runs: list[RunSummary], now: datetime) -> Table:
    """Return the list for a terminal."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "started (UTC)", "took", "outcome", "reason"):
        drawn.add_column(heading, overflow="fold" if heading == "run" else "ellipsis", no_wrap=heading != "reason")
    for run in runs:
        took = (run.ended or now) - run.started
        outcome = run.outcome or f"in {run.stage or 'Plan'}"
        drawn.add_row(
            Text(run.run_id),
            f"{run.started:%Y-%m-%d %H:%M}",
            str(timedelta(seconds=round(took.total_seconds()))),
            Text(outcome, _STYLES.get(outcome, "cyan" if run.outcome is None else "red")),
            Text(run.reason or "", "dim"),
        )
    return drawn
