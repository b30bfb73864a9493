"""Following a run: one live picture on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rft_cli.console import err, say
from rft_cli.pace import Pace
from rft_cli.snapshot import Snapshot

STAGES = ("Plan", "Validate", "Freeze", "Certify", "Probe", "Train", "Deploy", "Evaluate", "Decide", "Promote", "Close")
_QUIET_SECONDS = 5.0
"""Shortest time between two plain lines of the same stage."""
_BLOCKS = "▁▂▃▄▅▆▇█"

Look = Callable[[], Snapshot]


def follow(look: Look, *, interval: float) -> Snapshot:
    """Show a run until it has ended.

    Args:
        look: Returns the run as it is now.
        interval: Seconds between two looks.

    Returns:
        The run at its end.
    """
    return _follow_live(look, interval) if err().is_terminal else _follow_plain(look, interval)


def _follow_live(look: Look, interval: float) -> Snapshot:
    snapshot, pace = look(), Pace()

    def drawn() -> Group:
        return picture(snapshot, pace, datetime.now(UTC))

    with Live(console=err(), refresh_per_second=4, get_renderable=drawn):
        while snapshot.running:
            time.sleep(interval)
            snapshot = look()
            pace = pace.noting(snapshot, datetime.now(UTC))
    return snapshot


def _follow_plain(look: Look, interval: float) -> Snapshot:
    """Print a line when something happens: at once for a new stage, else every few seconds at most."""
    told, told_at, pace = None, 0.0, Pace()
    while True:
        snapshot, now = look(), datetime.now(UTC)
        pace = pace.noting(snapshot, now)
        stand = (snapshot.stage, snapshot.running, snapshot.done, snapshot.graded_shards)
        if told is None or stand[:2] != told[:2] or (stand != told and time.monotonic() - told_at >= _QUIET_SECONDS):
            say(f"[{clock(snapshot.elapsed(now))}] {sentence(snapshot, pace, now)}")
            told, told_at = stand, time.monotonic()
        if not snapshot.running:
            return snapshot
        time.sleep(interval)


def sentence(snapshot: Snapshot, pace: Pace, now: datetime) -> str:
    """Return where a run stands, in one line without the time."""
    if not snapshot.running:
        reason = f": {snapshot.reason}" if snapshot.reason else ""
        return f"ended {snapshot.outcome or 'without an outcome'}{reason}"
    parts = [snapshot.stage]
    if snapshot.stage == "Train" and snapshot.steps:
        reward = snapshot.steps[-1].reward
        total = f" of {snapshot.expected_steps}" if snapshot.expected_steps else ""
        parts.append(f"{'about ' if snapshot.estimated else ''}step {snapshot.done}{total}")
        if reward is not None:
            parts.append(f"reward {reward:.2f}")
        validation = [step.validation_reward for step in snapshot.steps if step.validation_reward is not None]
        if validation:
            parts.append(f"validation reward {validation[-1]:.2f}")
        left = pace.left(snapshot, now)
        if left is not None:
            parts.append(f"about {clock(left)} of training left")
    if snapshot.stage == "Train":
        parts += [f"{name} {found} of {limit}" for name, found, limit in snapshot.used]
    if snapshot.stage in ("Probe", "Evaluate") and snapshot.shards:
        parts.append(f"shard {snapshot.graded_shards} of {snapshot.shards}")
    return " · ".join(parts)


def picture(snapshot: Snapshot, pace: Pace, now: datetime) -> Group:
    """Return the live picture: the stages, and what the current one has done."""
    line = Text()
    for stage in _shown_stages(snapshot):
        current = snapshot.running and stage == snapshot.stage
        done = stage in snapshot.stages and not current
        mark, style = ("●", "bold cyan") if current else ("✓", "green") if done else ("○", "dim")
        line.append(f"{mark} {stage}  ", style)
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(snapshot.run_id, "bold"), Text(clock(snapshot.elapsed(now)), "dim"))
    parts: list[Text | Table] = [grid, line]
    if snapshot.running and snapshot.stage in ("Probe", "Train", "Evaluate"):
        parts.append(_progress(snapshot, pace, now))
    return Group(*parts)


def sparkline(values: list[float], width: int = 24) -> str:
    """Return a curve as block characters, thinned to a width."""
    if not values:
        return ""
    picked = [values[round(index * (len(values) - 1) / max(width - 1, 1))] for index in range(min(width, len(values)))]
    if len(values) <= width:
        picked = values
    low, high = min(picked), max(picked)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in picked)


def clock(span: timedelta) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _shown_stages(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the usual stages, with what this run visited besides at its place."""
    extra = [stage for stage in snapshot.stages if stage not in STAGES]
    order = list(STAGES)
    for stage in extra:
        earlier = [name for name in order if snapshot.stages.get(name, snapshot.started) < snapshot.stages[stage]]
        visited = [name for name in earlier if name in snapshot.stages]
        order.insert(order.index(visited[-1]) + 1 if visited else 0, stage)
    return tuple(order)


def _progress(snapshot: Snapshot, pace: Pace, now: datetime) -> Table:
    grid = Table.grid(padding=(0, 1))
    train = snapshot.stage == "Train"
    done = snapshot.done if train else snapshot.graded_shards
    total = (snapshot.expected_steps or 0) if train else snapshot.shards
    rewards = [step.reward for step in snapshot.steps if step.reward is not None] if train else []
    words = sentence(snapshot, pace, now).partition(" · ")[2] or (
        "the first step takes longest" if train else "starting"
    )
    bar = ProgressBar(total=total, completed=done, width=30) if total else Text("")
    grid.add_row(bar, Text(sparkline(rewards), "cyan"), Text(words))
    return grid
