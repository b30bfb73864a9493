"""`rft local` for real: up, deployed, used, down, and nothing left."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_local.lifecycle import down
from rft_local.process import descendants
from rft_local.project import Project
from tests.embedded.checkout import check_out

ROOT = Path(__file__).parents[2]
PORT = 4860

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The same app in a folder of its own, so that an embedded AWS of this checkout is not disturbed."""
    project = check_out(tmp_path_factory.mktemp("checkout"))
    for name in ("examples", "recipes"):
        (project.root / name).symlink_to(ROOT / name)
    for name in ("below", "temporary"):
        (project.root / name).mkdir()
    yield project
    down(project)


def rft(project: Project, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rft_cli.main", *arguments],
        cwd=project.root / "below",  # any folder of the project will do
        env={**os.environ, "TMPDIR": str(project.root / "temporary")},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def temporary_files(project: Project) -> set[Path]:
    """Return what commands leave in their temporary folder, and the emulator where its code names a fixed one."""
    fixed = Path(tempfile.gettempdir()).glob("ministack*")
    return {*(project.root / "temporary").iterdir(), *fixed}


def test_from_nothing_to_nothing(checkout: Project) -> None:
    before = temporary_files(checkout)

    up = rft(checkout, "local", "up", "--port", str(PORT), "--json")
    assert up.returncode == 0, up.stderr
    status = json.loads(up.stdout)
    assert status["stacks"] == ["local-Rft"]
    assert [process["healthy"] for process in status["processes"]] == [True, True]

    shown = rft(checkout, "local", "exec", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL; exit 7")
    assert (shown.returncode, shown.stdout.strip()) == (7, f"http://127.0.0.1:{PORT}")

    message = {"role": "assistant", "content": "#### 990."}
    event = json.dumps([{"id": "a", "messages": [message], "reference_answer": "990"}] * 3)
    graded = rft(checkout, "grade", "--reward", "gsm8k", stdin=event)
    assert graded.returncode == 0, graded.stderr
    assert [result["aggregate_reward_score"] for result in json.loads(graded.stdout)] == [1.0] * 3

    started = rft(checkout, "run", "../recipes/orders.yaml", "--run-id", "interrupted")
    assert started.returncode == 0, started.stderr
    runs = json.loads(rft(checkout, "runs", "--json").stdout)
    assert [run["run_id"] for run in runs] == ["interrupted"]

    stopped = rft(checkout, "local", "down", "--json")
    assert stopped.returncode == 0, stopped.stderr
    assert json.loads(stopped.stdout) == {"stopped": True, "closed_runs": {"interrupted": "STOPPED"}}
    assert not descendants(checkout.temporary)
    assert [path.name for path in checkout.state_folder.iterdir()] == ["logs"]
    assert temporary_files(checkout) <= before
    for port in (PORT, PORT + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
