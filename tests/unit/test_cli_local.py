"""Processes, ports and state of the embedded AWS, with harmless processes in their place."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_cli.main import main
from rft_local import lifecycle, process
from rft_local.cdk import Cdk, last_words
from rft_local.local_error import LocalError
from rft_local.port import check_port, port_holder
from rft_local.process import Process, descendants, start_time, stop_all
from rft_local.project import Project, find_project
from rft_local.state import LocalState, load_state

SLEEPER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
STUBBORN = """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def until(condition: object, seconds: float = 10) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    for folder in (made.logs, made.temporary):
        folder.mkdir(parents=True)
    yield made
    process.kill_descendants(made.temporary)


def start(project: Project, name: str, code: str) -> Process:
    environment = {"TMPDIR": str(project.temporary), "PATH": os.environ["PATH"]}
    log = project.logs / f"{name}.log"
    return Process.start(name, [sys.executable, "-c", code], environment=environment, log=log, folder=project.root)


def test_stopping_ends_the_whole_group(project: Project) -> None:
    daemon = start(project, "emulator", SLEEPER + "time.sleep(60)")
    until(lambda: len(descendants(project.temporary)) == 2)
    stop_all([daemon], grace=5)
    until(lambda: not descendants(project.temporary))
    assert not daemon.is_alive


def test_what_ignores_sigterm_is_killed(project: Project) -> None:
    daemon = start(project, "emulator", STUBBORN)
    until(lambda: b"ready" in (project.logs / "emulator.log").read_bytes())
    stop_all([daemon], grace=0.1)
    assert not daemon.is_alive


def test_a_process_with_a_reused_pid_is_left_alone(project: Project) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        remembered = Process("emulator", bystander.pid, "an earlier start time")
        assert not remembered.is_alive
        stop_all([remembered], grace=0.1)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: start_time(child.pid) is None)
    child.wait()


def state_of(emulator: Process, bedrock: Process) -> LocalState:
    return LocalState(port=4890, bedrock_port=4891, emulator=emulator, bedrock=bedrock)


def test_down_ends_processes_and_removes_all_but_the_logs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_STOP_SECONDS", 0.3)
    state = state_of(start(project, "emulator", SLEEPER + "time.sleep(60)"), start(project, "bedrock", STUBBORN))
    state.save(project.state_file)
    (project.temporary / "left over").touch()
    until(lambda: len(descendants(project.temporary)) == 3)
    assert lifecycle.running(project) == state
    assert lifecycle.down(project) is True
    assert not descendants(project.temporary)
    assert {path.name for path in project.state_folder.iterdir()} == {"logs"}
    assert lifecycle.running(project) is None


def test_down_finds_workers_whose_parent_crashed(project: Project) -> None:
    parent = start(project, "emulator", SLEEPER)
    until(lambda: not parent.is_alive and len(descendants(project.temporary)) == 1)
    state_of(parent, parent).save(project.state_file)
    assert lifecycle.down(project) is True
    assert not descendants(project.temporary)


def test_down_without_anything_says_so(tmp_path: Path) -> None:
    assert lifecycle.down(Project(tmp_path)) is False
    assert not list(tmp_path.iterdir())


def test_a_daemon_that_ends_at_once_is_quoted(
    project: Project, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(Project, "check_setup", lambda self: None)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(LocalError, match=r"emulator process ended: it printed nothing .*emulator\.log"):
        lifecycle.up(project, port=free_port, bedrock_port=free_port + 1, seed=None, deploy=False, tell=lambda _: None)
    assert not project.state_file.exists()
    assert not descendants(project.temporary)


def test_an_interrupted_start_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    def interrupt(words: str) -> None:
        if words == "waiting for the model":
            raise KeyboardInterrupt

    monkeypatch.setattr(Project, "check_setup", lambda self: None)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.up(project, port=free_port, bedrock_port=free_port + 1, seed=None, deploy=False, tell=interrupt)
    assert not project.state_file.exists()
    assert not descendants(project.temporary)
    check_port(free_port, "--port")


def test_two_starts_at_once_are_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "check_setup", lambda self: None)
    with lifecycle._lock(project), pytest.raises(LocalError, match="at work"):
        lifecycle.up(project, port=4892, bedrock_port=4893, seed=None, deploy=False, tell=lambda _: None)


def test_what_is_chosen_at_the_start_is_refused_later(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "check_setup", lambda self: None)
    state = state_of(start(project, "emulator", SLEEPER), start(project, "bedrock", SLEEPER))
    state.save(project.state_file)
    with pytest.raises(LocalError, match="--event-size=1: it is chosen when the embedded AWS starts"):
        lifecycle.up(
            project,
            port=state.port,
            bedrock_port=state.bedrock_port,
            seed=None,
            deploy=False,
            tell=lambda _: None,
            settings=["--event-size=1"],
        )
    assert lifecycle.running(project) == state


@pytest.fixture
def free_port() -> int:
    """Return a port that is free, and the next one too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError):
                second.bind(("127.0.0.1", port + 1))
                return port


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux says who holds a port")
def test_the_holder_of_a_port_is_named(free_port: int) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port))
        server.listen()
        assert (port_holder(free_port) or "").endswith(f"(pid {os.getpid()})")
        with pytest.raises(LocalError, match=rf"port {free_port} is in use by .*pid {os.getpid()}.*--bedrock-port"):
            check_port(free_port, "--bedrock-port")
    check_port(free_port, "--port")


def test_a_damaged_state_file_is_named(project: Project) -> None:
    project.state_file.write_text("{")
    with pytest.raises(LocalError, match=r"state\.json"):
        load_state(project.state_file)


def test_the_project_is_found_from_below(tmp_path: Path) -> None:
    for name in ("cdk.json", "app.py"):
        (tmp_path / name).touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == Project(tmp_path.resolve())


def test_cdk_sees_no_real_credentials(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "real")
    environment = Cdk(project, 4890).environment
    assert "real" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4890"
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))
    assert Path(environment["CDK_HOME"]).is_relative_to(project.state_folder)


def fake_cdk(project: Project, script: str) -> None:
    project.cdk.parent.mkdir(parents=True)
    project.cdk.write_text(f"#!/bin/sh\n{script}\n")
    project.cdk.chmod(0o755)


def test_a_cdk_failure_is_one_line_with_its_log(project: Project) -> None:
    fake_cdk(project, "printf 'building\\n\\033[31mError: no such stage\\033[0m\\n    at somewhere\\n'; exit 1")
    with pytest.raises(LocalError, match=r"cdk bootstrap failed: Error: no such stage \(all of it: .*bootstrap\.log\)"):
        Cdk(project, 4890).bootstrap()


def test_a_cdk_command_that_hangs_is_ended(project: Project) -> None:
    fake_cdk(project, "sleep 60")
    with pytest.raises(LocalError, match=r"cdk bootstrap took longer than 0\.3 s"):
        Cdk(project, 4890, limit=0.3).bootstrap()
    until(lambda: not descendants(project.temporary))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it printed nothing"),
        ("one\ntwo\n", "two"),
        ("first error\nlast\n", "first error"),
        ("a\n\n\x1b[1mb\x1b[0m\n", "b"),
    ],
)
def test_last_words_are_the_telling_ones(text: str, words: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert last_words(log) == words


def test_status_and_down_speak_json(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cdk.json", "app.py"):
        (project.root / name).touch()
    monkeypatch.chdir(project.root)
    assert main(["local", "status", "--json"]) == 1
    assert '"running": false' in capsys.readouterr().out
    assert main(["local", "down", "--json"]) == 0
    assert '"closed_runs": {}' in capsys.readouterr().out
