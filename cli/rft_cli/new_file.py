"""Files that are written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rft_cli.cli_error import CliError


def check_new(path: Path, *, source: Path | None = None, force: bool) -> None:
    """Refuse to replace a file, unless that was asked for, and the file that is read in any case.

    Args:
        path: The file to write.
        source: The file that is read, where one is.
        force: Whether a file may be replaced.

    Raises:
        CliError: When the file exists and stays.
    """
    if not path.exists():
        return
    if source is not None and source.exists() and path.samefile(source):
        raise CliError(f"{path}: is the file to read; name another --output")
    if not path.is_file():
        raise CliError(f"{path}: is no file; name another --output")
    if not force:
        raise CliError(f"{path}: exists; name another --output, or replace it with --force")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place when the block ends, and leaves nothing behind when it fails.

    Args:
        path: The file; folders that lack are made, and a file that is there is replaced.

    Raises:
        CliError: When it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
