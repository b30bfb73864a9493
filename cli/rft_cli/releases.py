"""An environment's releases, as the command line lists and shows them."""

from datetime import datetime
from typing import Literal

import msgspec
from rich.table import Table
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.layout import release_key
from rft_contract.naming import check_line
from rft_runtime.releases.current import Current
from rft_runtime.releases.release import Release
from rft_runtime.releases.release_store import ReleaseStore


class ReleaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list.

    Args:
        line: The model line.
        release: Its number.
        live: Whether it is live.
        since: When it went live last, UTC.
        run_id: The run that made it.
        accuracy: Of its model on the held-out set, greedy.
        gain: Its model's accuracy minus the base model's.
        why: Promotion or rollback, with the reason given.
    """

    line: str
    release: int
    live: bool
    since: datetime
    run_id: str
    accuracy: float | None
    gain: float
    why: str


def release_store(environment: Environment) -> ReleaseStore:
    """Return the releases of an environment."""
    return ReleaseStore(environment.bucket, environment.name)


def list_releases(environment: Environment, line: str | None) -> list[ReleaseSummary]:
    """List a line's releases that were ever live, newest first, or what is live on every line.

    Args:
        environment: Where.
        line: The model line. None: every line.
    """
    store = release_store(environment)
    if line is None:
        return [summary for name in store.lines() for summary in _summaries(store, store.current(name), only_live=True)]
    return _summaries(store, store.current(check_line(line)))


def find_number(environment: Environment, line: str, number: int | None) -> int:
    """Return the number of a release that there is; its manifest is not read.

    Args:
        environment: Where.
        line: The model line.
        number: Of the release. None: the live one.

    Raises:
        CliError: When there is none.
    """
    wanted = release_store(environment).current(check_line(line)).release if number is None else number
    if wanted is None or environment.bucket.describe(release_key(check_line(line), wanted)) is None:
        what = "no live release" if wanted is None else f"no release {wanted}"
        raise CliError(f"line {line}: {what} in environment {environment.name}; `rft release list` shows what there is")
    return wanted


def find_release(environment: Environment, line: str, number: int | None) -> Release:
    """Return a release's manifest.

    Args:
        environment: Where.
        line: The model line.
        number: Of the release. None: the live one.

    Raises:
        CliError: When there is none.
        ValueError: When it cannot be read.
    """
    return release_store(environment).load(line, find_number(environment, line, number))


def table(summaries: list[ReleaseSummary]) -> Table:
    """Return the list for a terminal."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("line", "release", "since (UTC)", "run", "accuracy", "gain", "why"):
        justify: Literal["left", "right"] = "right" if heading in ("release", "accuracy", "gain") else "left"
        drawn.add_column(heading, justify=justify, no_wrap=heading != "why")
    for item in summaries:
        drawn.add_row(
            Text(item.line),
            Text(f"{item.release} live" if item.live else f"{item.release}", "bold green" if item.live else ""),
            f"{item.since:%Y-%m-%d %H:%M}",
            Text(item.run_id),
            "-" if item.accuracy is None else f"{100 * item.accuracy:.1f} %",
            f"{100 * item.gain:+.1f}",
            Text(item.why, "dim"),
        )
    return drawn


def details(release: Release) -> Table:
    """Return a manifest for a terminal; `--json` shows all of it."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim")
    drawn.add_column(overflow="fold")
    rows = {
        "release": f"{release.number} of line {release.line}, environment {release.environment}",
        "promoted": f"{release.promoted:%Y-%m-%d %H:%M} UTC",
        "run": release.run_id,
        "model": release.model_arn,
        "base model": release.base_model,
        "job": release.job_arn or "-",
        "reward": f"{release.reward.name}, version {release.reward.version}, sha256 {release.reward.sha256}",
        "certified": ", ".join(f"{split} {verdict}" for split, verdict in release.reward.certificates.items()) or "-",
        **{f"data: {split}": f"{data.rows:,} rows, sha256 {data.sha256}" for split, data in release.datasets.items()},
        "held-out set": f"looked at by {release.held_out.looks} candidates, this one among them",
        **{name: f"{100 * arm.accuracy:.1f} % right" for name, arm in release.metrics.arms.items()},
        "gain": f"{100 * release.metrics.gain.absolute:+.1f} points",
        "gate": release.decision.reason,
        "replaced": "nothing" if release.previous is None else f"release {release.previous.number}",
    }
    for name, value in rows.items():
        drawn.add_row(name, Text(value))
    return drawn


def _summaries(store: ReleaseStore, current: Current, *, only_live: bool = False) -> list[ReleaseSummary]:
    last = {turn.release: turn for turn in current.history}  # the last turn of each release stays
    found = []
    for number, turn in sorted(last.items(), reverse=True):
        if only_live and number != current.release:
            continue
        release = store.load(current.line, number)
        candidate = release.metrics.arms.get("candidate")
        found.append(
            ReleaseSummary(
                line=current.line,
                release=number,
                live=number == current.release,
                since=turn.since,
                run_id=release.run_id,
                accuracy=None if candidate is None else candidate.accuracy,
                gain=release.metrics.gain.absolute,
                why=f"{turn.kind.lower()}: {turn.reason}" if turn.reason else turn.kind.lower(),
            )
        )
    return found
