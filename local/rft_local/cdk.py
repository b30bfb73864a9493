"""The stock, pinned CDK command line, pointed at the embedded AWS."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rft_local.connection import search_path
from rft_local.emulator.environment import ACCOUNT, REGION, client_environment
from rft_local.local_error import LocalError
from rft_local.project import Project

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = ("NOTICES", "If you don’t want to see", "at ", "❌ Deployment failed", "[Warning")


class Cdk:
    """Synthesizes, bootstraps and deploys.

    Everything that the CLI caches (the account behind an access key, among others) stays in the state folder, because
    another embedded AWS may answer differently.

    Args:
        project: Whose app.
        port: Port of the emulator.
        limit: Longest time that one command may take, seconds.
    """

    def __init__(self, project: Project, port: int, limit: float = 300.0) -> None:
        self._project = project
        self._port = port
        self._limit = limit
        self._assembly = project.state_folder / "cdk.out"

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of a command against the embedded AWS: the caller's own, less real credentials."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            **client_environment(self._port, self._project.state_folder),
            "PATH": os.pathsep.join([search_path(), str(self._project.cdk.parent)]),
        }

    @contextmanager
    def synthesis(self) -> Iterator[None]:
        """Synthesize the app's local stage into the state folder while the body runs; done when the body is left."""
        command = ("synth", "local/*", "--quiet", "-c", "env=local", "--output", str(self._assembly))
        with self._running("synth", command, self._project.root):
            yield

    def bootstrap(self) -> None:
        """Prepare the embedded account for CDK deployments."""
        # Run beside the app's cdk.json, the CLI would synthesize once more: nothing in the state folder names an app.
        with self._running("bootstrap", ("bootstrap", f"aws://{ACCOUNT}/{REGION}"), self._project.state_folder):
            pass

    def deploy(self) -> tuple[str, ...]:
        """Deploy what was synthesized.

        Returns:
            Names of the deployed stacks.
        """
        outputs = self._project.state_folder / "outputs.json"
        command = ("deploy", "local/*", "--app", str(self._assembly), "--require-approval", "never")
        with self._running("deploy", (*command, "--outputs-file", str(outputs)), self._project.root):
            pass
        return tuple(json.loads(outputs.read_text()))

    @contextmanager
    def _running(self, name: str, arguments: tuple[str, ...], folder: Path) -> Iterator[None]:
        """Run a command beside the body, end it when the body fails, and check its exit status."""
        log = self._project.logs / f"{name}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                (str(self._project.cdk), *arguments, "--no-notices", "--ci"),
                env={
                    **self.environment,
                    "TMPDIR": str(self._project.temporary),
                    # The same template is validated by `make synth` and by the tests; here it would cost seven seconds.
                    "CDK_VALIDATION": "false",
                },
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield
            status = child.wait(self._limit)
        except subprocess.TimeoutExpired:
            raise LocalError(f"cdk {name} took longer than {self._limit:g} s: see {log}") from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if status:
            raise LocalError(f"cdk {name} failed: {last_words(log)} (all of it: {log})")


def last_words(log: Path) -> str:
    """Return the line of a log that says what went wrong: the last one that names an error, else the last."""
    text = _ESCAPES.sub("", log.read_text(errors="replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(_NOISE)]
    telling = [line for line in lines if re.search(r"error|failed|exception|❌", line, re.IGNORECASE)]
    return (telling or lines or ["it printed nothing"])[-1][:400]
