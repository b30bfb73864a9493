"""What the embedded AWS's processes run with, and where they answer."""

import os
import sys
from pathlib import Path

from rft_local.emulator.environment import AUTHORIZATION_LOG

_KEPT = ("HOME", "LANG", "LC_ALL", "TERM", "USER", "LOGNAME", "SSL_CERT_FILE", "SYSTEMROOT", AUTHORIZATION_LOG)


def endpoint(port: int) -> str:
    """Return the one URL of every service."""
    return f"http://127.0.0.1:{port}"


def clean_environment(temporary: Path) -> dict[str, str]:
    """Return environment variables without anybody's credentials, profiles or proxies.

    Deployed functions inherit the emulator's environment, so what is not in here cannot leak into them.

    Args:
        temporary: Folder for temporary files.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PATH": search_path(), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}


def search_path() -> str:
    """Return PATH with this interpreter's folder first: python3, node and rft come from there."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
