"""When a recipe was decided on: the time of its last commit."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from rft_cli.cli_error import CliError


def commit_time(path: Path) -> datetime | None:
    """Return when a file was committed last, UTC.

    Args:
        path: A file.

    Returns:
        None where the file lies in no checkout.

    Raises:
        CliError: When it was never committed, or the checkout does not reach back far enough to know.
    """
    if _git(path, "rev-parse", "--is-inside-work-tree") != "true":
        return None
    if _git(path, "rev-parse", "--is-shallow-repository") == "true":
        raise CliError(
            f"recipe {path}: the checkout is shallow, so the time of its last commit is unknown; fetch all of it, with "
            "`git fetch --unshallow` or `fetch-depth: 0`"
        )
    found = _git(path, "log", "-1", "--format=%cI", "--", path.name)
    if not found:
        raise CliError(f"recipe {path}: was never committed; commit it, or put it outside of the checkout")
    return datetime.fromisoformat(found).astimezone(UTC)


def _git(path: Path, *arguments: str) -> str | None:
    """Return what Git answers in a file's folder; None when it does not."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=path.resolve().parent, capture_output=True, text=True, timeout=60, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
