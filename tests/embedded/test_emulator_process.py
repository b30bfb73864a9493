"""The emulator as a process: one-line refusals, a prompt end, and 503 where Bedrock's endpoint is down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_local.emulator.environment import HOST, EmulatorSettings, client_environment, emulator_environment
from tests.embedded.conftest import until

pytestmark = pytest.mark.embedded

LOCAL = Path(__file__).parents[2] / "local"


def test_port_in_use_is_one_line(emulator: Any, tmp_path: Path) -> None:
    options = ["--port", str(emulator.port), "--bedrock-url", f"http://{HOST}:1", "--state", str(tmp_path)]
    command = [sys.executable, "-m", "rft_local.emulator", *options]
    environment = {**os.environ, "PYTHONPATH": str(LOCAL)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(emulator.port) in done.stderr and "--port" in done.stderr


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; what was killed may wait for its parent to notice."""
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_everything_at_once(offline_emulator: Any, number: signal.Signals) -> None:
    own = offline_emulator
    with pytest.raises(ClientError) as caught:
        own.client("bedrock").list_custom_models()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    own.function("here", "import os\ndef handler(e, c): return os.getpid()")
    _, pid = own.invoke("here")
    assert Path(f"/proc/{pid}").exists()
    assert list(own.state.joinpath("tmp").iterdir())
    own.process.send_signal(number)
    own.process.wait(10)
    assert not own.state.joinpath("tmp").exists()
    assert until(lambda: is_gone(pid), bool)


def test_environments_hold_nothing_of_the_host(tmp_path: Path) -> None:
    host = {"PATH": "/bin", "AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "t", "PYTHONPATH": "/x", "HTTPS_PROXY": "p"}
    made = emulator_environment(EmulatorSettings(4700, "http://x", tmp_path), host)
    assert made["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH", "HTTPS_PROXY"} & set(made)
    client = client_environment(4700, tmp_path)
    assert client["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4700"
    assert client["CDK_HOME"].startswith(str(tmp_path))
    assert json.dumps(client)
