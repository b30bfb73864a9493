"""Environment variables: what the emulator runs with, what its clients need, and what a Lambda must not inherit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rft_local.emulator.undocumented import Undocumented

ACCOUNT = "000000000000"
REGION = "us-east-1"
HOST = "127.0.0.1"
AUTHORIZATION_LOG = "RFT_AUTHORIZATION_LOG"
"""Environment variable: where an emulator writes who asked for what; without it, nowhere."""

_KEPT_FROM_HOST = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")


@dataclass(frozen=True)
class EmulatorSettings:
    """How one emulator is started.

    Attributes:
        port: TCP port on 127.0.0.1.
        bedrock_url: Base URL of the endpoint that answers Bedrock's control plane and runtime.
        state: Directory of this instance; everything below it may be removed when the emulator stops.
        authorization_log: File that gets every authorization question of a stack's role. None: nothing is written.
        undocumented: How it behaves where AWS does not say.
    """

    port: int
    bedrock_url: str
    state: Path
    authorization_log: Path | None = None
    undocumented: Undocumented = field(default_factory=Undocumented)

    @property
    def url(self) -> str:
        """The emulator's own base URL."""
        return f"http://{HOST}:{self.port}"

    @property
    def temporary(self) -> Path:
        """Directory for unpacked Lambda code and other temporary files."""
        return self.state / "tmp"

    @property
    def home(self) -> Path:
        """Home directory of the Lambdas: empty, so that no AWS profile of the host is ever read."""
        return self.state / "home"


def emulator_environment(settings: EmulatorSettings, host: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of an emulator process; its Lambdas inherit it.

    Only a handful of harmless variables come from the host: no credentials, no profiles, no proxies, no PYTHONPATH.

    Args:
        settings: The instance.
        host: The environment the process was started with.

    Returns:
        The variables ministack reads, those a Lambda may see, and nothing else.
    """
    kept = {name: host[name] for name in _KEPT_FROM_HOST if name in host}
    return kept | {
        "HOME": str(settings.home),
        "TMPDIR": str(settings.temporary),
        "STATE_DIR": str(settings.state / "emulator"),
        "GATEWAY_PORT": str(settings.port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",
    }


def client_environment(port: int, home: Path) -> dict[str, str]:
    """What a client of the emulator (SDK, AWS CLI, CDK CLI) needs in its environment.

    Args:
        port: The emulator's port.
        home: Directory of this instance; the CDK CLI caches account ids by access key below it, so that two
            instances never read each other's.

    Returns:
        Variables to lay over the client's own environment.
    """
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_HOME": str(home / "cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
    }
