"""From nothing to a deployed embedded AWS and back to nothing."""

import fcntl
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rft_local.cdk import Cdk, last_words
from rft_local.connection import clean_environment, endpoint
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.emulator.undocumented import Undocumented
from rft_local.local_error import LocalError
from rft_local.port import check_port
from rft_local.process import Process, kill_descendants, stop_all
from rft_local.project import Project
from rft_local.state import LocalState, load_state

EMULATOR_HEALTH = "/_ministack/health"
BEDROCK_HEALTH = "/health"
_START_SECONDS = 90.0
_STOP_SECONDS = 6.0


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One daemon.

    Args:
        name: `emulator` or `bedrock`.
        pid: Its process id.
        port: Where it listens.
        healthy: Whether it answers.
    """

    name: str
    pid: int
    port: int
    healthy: bool


class LocalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What runs on this machine.

    Args:
        running: Whether the embedded AWS runs.
        endpoint: URL of all services; None when it does not.
        account: Its account id.
        region: Its Region.
        stacks: Names of the deployed stacks.
        processes: Its daemons.
    """

    running: bool
    endpoint: str | None = None
    account: str | None = None
    region: str | None = None
    stacks: tuple[str, ...] = ()
    processes: tuple[ProcessStatus, ...] = ()


Tell = Callable[[str], None]
"""Called with a few words whenever the next piece of work begins."""


def running(project: Project) -> LocalState | None:
    """Return the state of the embedded AWS when both of its processes run, else None."""
    state = load_state(project.state_file)
    return state if state and all(process.is_alive for process in state.processes) else None


def up(
    project: Project,
    *,
    port: int,
    bedrock_port: int,
    seed: int | None,
    deploy: bool,
    tell: Tell,
    settings: Sequence[str] = (),
    bedrock: Sequence[str] = ("-m", "rft_local.bedrock"),
) -> LocalState:
    """Start the embedded AWS unless it runs, and deploy the app's local stage into it.

    Whatever interrupts the start (an error, Ctrl-C) ends what was started. An embedded AWS that ran before stays.

    Args:
        project: Whose app.
        port: Port of the emulator.
        bedrock_port: Port of the Bedrock endpoint behind it.
        seed: Seed of the trainer; None leaves it to the Bedrock endpoint.
        deploy: Whether to deploy.
        tell: Hears what is being done.
        settings: More arguments of `python -m rft_local.bedrock` or `python -m rft_local.emulator`, such as
            `--judge-noise=0.2`.
        bedrock: What Python runs as the Bedrock endpoint; another one takes the same `--port`, `--emulator-url`,
            `--state` and `--weights`.

    Raises:
        LocalError: In one line, what stands in the way.
    """
    project.check_setup()
    with _lock(project):
        state = running(project)
        if state and (state.port, state.bedrock_port) != (port, bedrock_port):
            raise LocalError(f"the embedded AWS runs on port {state.port} already: `rft local down` stops it")
        if state and settings:
            raise LocalError(
                f"{', '.join(settings)}: it is chosen when the embedded AWS starts, and it runs already: "
                "`rft local down` stops it"
            )
        fresh = state is None
        try:
            cdk = Cdk(project, port)
            if state is None:
                _clear(project)
                check_port(port, "--port")
                check_port(bedrock_port, "--bedrock-port")
                for folder in (project.logs, project.temporary):
                    folder.mkdir(parents=True, exist_ok=True)
                tell("starting")
                state = _start(project, port, bedrock_port, seed, settings, bedrock)
            if deploy:
                tell("synthesizing the app")
                with cdk.synthesis():
                    _wait(project, state.emulator, endpoint(port) + EMULATOR_HEALTH)
                    if not state.bootstrapped:
                        cdk.bootstrap()
                        state = _remember(project, state, bootstrapped=True)
                tell("deploying the stack")
                state = _remember(project, state, stacks=cdk.deploy())
            tell("waiting for the model")
            _wait(project, state.emulator, endpoint(port) + EMULATOR_HEALTH)
            _wait(project, state.bedrock, endpoint(bedrock_port) + BEDROCK_HEALTH)
        except BaseException:
            if fresh:
                _stop(project)
            raise
    return state


def down(project: Project) -> bool:
    """Stop the embedded AWS and remove all that it kept, except its logs.

    Returns:
        Whether there was anything to stop.

    Raises:
        LocalError: While another command starts or stops it.
    """
    if not project.state_folder.exists():
        return False
    with _lock(project):
        found = project.state_file.exists()
        _stop(project)
    (project.state_folder / "lock").unlink(missing_ok=True)
    return found


def describe(project: Project) -> LocalStatus:
    """Return what runs, for people and programs."""
    state = running(project)
    if state is None:
        return LocalStatus(running=False)
    ports = {"emulator": (state.port, EMULATOR_HEALTH), "bedrock": (state.bedrock_port, BEDROCK_HEALTH)}
    return LocalStatus(
        running=True,
        endpoint=endpoint(state.port),
        account=ACCOUNT,
        region=REGION,
        stacks=state.stacks,
        processes=tuple(
            ProcessStatus(
                name=process.name,
                pid=process.pid,
                port=ports[process.name][0],
                healthy=healthy(endpoint(ports[process.name][0]) + ports[process.name][1]),
            )
            for process in state.processes
        ),
    )


def healthy(url: str, timeout: float = 2.0) -> bool:
    """Return whether a health address answers 200 within `timeout` seconds."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start(
    project: Project,
    port: int,
    bedrock_port: int,
    seed: int | None,
    settings: Sequence[str],
    bedrock_program: Sequence[str],
) -> LocalState:
    folder = str(project.state_folder)
    environment = clean_environment(project.temporary)
    emulator, bedrock = endpoint(port), endpoint(bedrock_port)
    of_emulator = [one for one in settings if one.partition("=")[0] in Undocumented.options()]
    programs = {"emulator": ("-m", "rft_local.emulator"), "bedrock": bedrock_program}
    commands = {
        "emulator": ["--port", str(port), "--bedrock-url", bedrock, "--state", folder, *of_emulator],
        "bedrock": ["--port", str(bedrock_port), "--emulator-url", emulator, "--state", folder]
        + ["--weights", str(project.weights)]
        + ([] if seed is None else ["--seed", str(seed)])
        + [one for one in settings if one not in of_emulator],
    }
    started = {
        name: Process.start(
            name,
            [sys.executable, *programs[name], *arguments],
            environment=environment,
            log=project.logs / f"{name}.log",
            folder=project.state_folder,
        )
        for name, arguments in commands.items()
    }
    state = LocalState(port=port, bedrock_port=bedrock_port, emulator=started["emulator"], bedrock=started["bedrock"])
    state.save(project.state_file)
    return state


def _remember(project: Project, state: LocalState, **changes: object) -> LocalState:
    changed = msgspec.structs.replace(state, **changes)
    changed.save(project.state_file)
    return changed


def _wait(project: Project, process: Process, url: str) -> None:
    """Wait until a daemon answers; fail at once when it has ended."""
    log = project.logs / f"{process.name}.log"
    deadline = time.monotonic() + _START_SECONDS
    while not healthy(url):
        if not process.is_alive:
            raise LocalError(f"the {process.name} process ended: {last_words(log)} (all of it: {log})")
        if time.monotonic() > deadline:
            raise LocalError(f"the {process.name} process did not answer at {url} in {_START_SECONDS:g} s: see {log}")
        time.sleep(0.2)


def _stop(project: Project) -> None:
    state = load_state(project.state_file)
    stop_all(state.processes if state else (), _STOP_SECONDS)
    kill_descendants(project.temporary)
    _clear(project)


def _clear(project: Project) -> None:
    """Remove everything below the state folder but the logs and the lock."""
    for path in project.state_folder.glob("*"):
        if path.name in ("logs", "lock"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _lock(project: Project) -> Iterator[None]:
    """Hold the state folder against a second `up` or `down`; the kernel lets go when this process ends."""
    project.state_folder.mkdir(parents=True, exist_ok=True)
    with Path(project.state_folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another `rft local up` or `down` is at work in this project: wait for it") from None
        yield
