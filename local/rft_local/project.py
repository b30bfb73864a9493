"""The project on this machine: its root, its state folder and what `make setup` put beside it."""

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rft_local.local_error import LocalError

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
"""File name of the stand-in's weights below `.rft/models`."""

_PACKAGES = ("ministack", "jax", "tokenizers", "boto3", "msgspec", "cryptography", "aws_cdk")
"""Import names of what the embedded AWS and the app's synthesis need (the extras `local` and `cli`)."""


@dataclass(frozen=True)
class Project:
    """Paths of a checkout.

    Args:
        root: Folder that holds `cdk.json` and `app.py`.
    """

    root: Path

    @property
    def state_folder(self) -> Path:
        """Everything that a running embedded AWS keeps on disk."""
        return self.root / ".rft" / "local"

    @property
    def state_file(self) -> Path:
        """Ports and processes of the running embedded AWS."""
        return self.state_folder / "state.json"

    @property
    def logs(self) -> Path:
        """Folder of the log files; they outlive `rft local down`."""
        return self.state_folder / "logs"

    @property
    def temporary(self) -> Path:
        """TMPDIR of every process that the embedded AWS starts."""
        return self.state_folder / "tmp"

    @property
    def weights(self) -> Path:
        """The stand-in's weights; the environment variable RFT_MODELS names another folder for them."""
        given = os.environ.get("RFT_MODELS")
        return (Path(given) if given else self.root / ".rft" / "models") / WEIGHTS

    @property
    def cdk(self) -> Path:
        """The pinned CDK command line."""
        return self.root / "node_modules" / ".bin" / "cdk"

    def check_setup(self) -> None:
        """Check that `make setup` ran to its end.

        Raises:
            LocalError: Naming the first thing that is missing.
        """
        node = Path(sys.executable).parent / "node"
        for path, what in (
            (self.cdk, "the CDK command line"),
            (node, "Node.js"),
            (self.weights, "the stand-in model's weights"),
        ):
            if not path.exists():
                raise LocalError(f"{what} is missing ({path}): run `make setup` in {self.root}")
        for package in _PACKAGES:
            if importlib.util.find_spec(package) is None:
                raise LocalError(f"the Python package {package} is missing: run `make setup` in {self.root}")


def find_project(start: Path | None = None) -> Project:
    """Return the project that a folder lies in.

    Args:
        start: Where to look first; its parents follow. None: the current folder.

    Raises:
        LocalError: When neither it nor a parent holds `cdk.json` and `app.py`.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "cdk.json").is_file() and (folder / "app.py").is_file():
            return Project(folder)
    raise LocalError(f"no project in {start} or above it: go to the folder that holds cdk.json and app.py")
