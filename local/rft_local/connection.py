"""How clients reach the embedded AWS."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ACCOUNT = "000000000000"
REGION = "us-east-1"
ACCESS_KEY = "test"
"""Access key and secret of the embedded account's root; they open nothing anywhere else."""

_KEPT = ("HOME", "LANG", "LC_ALL", "TERM", "USER", "LOGNAME", "SSL_CERT_FILE", "SYSTEMROOT")


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


def client_environment(port: int) -> Mapping[str, str]:
    """Return the variables that point the AWS SDKs and the CDK command line at the embedded AWS."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
