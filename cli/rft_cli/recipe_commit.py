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
        CliError: When it was never committed or changed since, the checkout does not reach back far enough to know, or
            Git does not answer.
    """
    path = path.resolve()
    if not any((folder / ".git").exists() for folder in path.parents):
        return None
    if _git(path, "rev-parse", "--is-shallow-repository") == "true":
        raise CliError(
            f"recipe {path}: the checkout is shallow, so the time of its last commit is unknown; fetch all of it, with "
            "`git fetch --unshallow` or `fetch-depth: 0`"
        )
    found = _git(path, "log", "-1", "--format=%cI", "--", path.name)
    if not found:
        raise CliError(f"recipe {path}: was never committed; commit it, or put it outside of the checkout")
    if _git(path, "status", "--porcelain", "--", path.name):
        raise CliError(f"recipe {path}: was changed after its last commit; commit it, or take the committed one")
    return datetime.fromisoformat(found).astimezone(UTC)


def _git(path: Path, *arguments: str) -> str:
    """Return what Git answers in a file's folder."""
    try:
        done = subprocess.run(
            ["git", "--literal-pathspecs", *arguments],
            cwd=path.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise _unanswered(path, error.stderr) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unanswered(path, str(error)) from None
    return done.stdout.strip()


def _unanswered(path: Path, why: str) -> CliError:
    return CliError(f"recipe {path}: Git does not say when it was committed: {' '.join(why.split())}")
