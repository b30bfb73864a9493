"""Public data sets that benchmarks measure against, where they lie on this machine; none is part of the project."""

import os
from pathlib import Path

VARIABLE = "RFT_BENCHMARK_DATA"
"""Environment variable that names a folder with `gsm8k/`, `humaneval/` and `pandalm/`."""


def public_file(name: str) -> Path | None:
    """Return a file of the folder, or None, after saying so, when it is not there.

    Args:
        name: Its path in the folder.
    """
    folder = os.environ.get(VARIABLE)
    path = Path(folder, name) if folder else None
    if path is not None and path.is_file():
        return path
    print(f"skipped: {name} is not in the folder that {VARIABLE} names ({folder or 'not set'})")
    return None
