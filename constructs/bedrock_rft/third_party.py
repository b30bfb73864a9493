"""Third-party packages of Lambda functions: fetched once a lock file and platform, kept in `.bundles/third-party/`.

`python3 -m bedrock_rft` fills the cache; afterwards synth needs no network.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bedrock_rft._assets import AssetError, bundles_folder, cached, package_folder
from bedrock_rft.handler_platform import HandlerPlatform

SERVICES = frozenset(
    {
        "bedrock",
        "bedrock-runtime",
        "cloudwatch",
        "events",
        "iam",
        "kms",
        "lambda",
        "s3",
        "service-quotas",
        "sns",
        "ssm",
        "stepfunctions",
        "sts",
    }
)
"""The services whose models stay in our assets; botocore brings more than 400, some 25 MB."""

_PINNED = re.compile(r"[^-#\s][^\s]*==[^\s]+ .*--hash=\S+.*")


@dataclass(frozen=True)
class Lock:
    """A file that pins packages by version and hash, as `uv pip compile --generate-hashes` writes it.

    Args:
        owner: Whose packages they are, in words.
        path: The file.
        fetched_by: Arguments with which `python3 -m bedrock_rft PLATFORM` fetches them.
        services: The services whose botocore models are kept. None: all.
    """

    owner: str
    path: Path
    fetched_by: str
    services: frozenset[str] | None = None

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.path.read_bytes()


def handlers_lock() -> Lock:
    """Return the lock of what the workflow's handlers need, and rewards that call AWS: one boto3 for all."""
    return Lock("workflow handlers", package_folder("rft_handlers") / "requirements.lock", "", SERVICES)


def grader_lock(stem: str) -> Lock:
    """Return the lock of a grader's packages.

    Args:
        stem: As `rft_contract.graders` has it.
    """
    path = package_folder("rft_rewards") / "requirements" / f"{stem}.lock"
    return Lock(f"grader {stem}", path, stem)


def third_party(lock: Lock, platform: HandlerPlatform) -> Path:
    """Return a folder with locked packages.

    Args:
        lock: Which.
        platform: Where they run.

    Raises:
        AssetError: When the file does not pin them, or pip cannot fetch them, usually because there is no network.
    """
    _check_pinned(lock)
    recipe = "\n".join([platform.wheels, *sorted(lock.services or ()), lock.content.decode()])
    folder = bundles_folder() / "third-party" / hashlib.sha256(recipe.encode()).hexdigest()[:32]

    def write(target: Path) -> None:
        _install(lock, target, platform)
        _prune(lock, target)

    return cached(folder, write)


def _check_pinned(lock: Lock) -> None:
    """Refuse a file that leaves open which packages it stands for: a reward's hash must name them."""
    text = lock.content.decode().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#") and not _PINNED.fullmatch(line.strip()):
            raise AssetError(
                f"packages of {lock.owner}: {lock.path}: got {line.split(' ')[0]!r}, wanted name==version --hash=...: "
                f"name packages in requirements.in and run: uv pip compile --generate-hashes requirements.in -o "
                f"{lock.path.name}"
            )


def _install(lock: Lock, target: Path, platform: HandlerPlatform) -> None:
    """Install exactly what the lock file lists, without bytecode, which would change the asset's hash."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:", *platform.pip_options]
    command += ["--target", str(target), "--requirement", str(lock.path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise AssetError(
            f"packages of {lock.owner} for {platform.value} are not in {bundles_folder()} and pip could not fetch them "
            f"({(errors or ['no message'])[-1]}); with network, run: "
            f"{' '.join(('python3 -m bedrock_rft', platform.value, lock.fetched_by)).strip()}"
        )


def _prune(lock: Lock, folder: Path) -> None:
    """Remove what functions never load: other services' models, and console scripts."""
    models = folder / "botocore" / "data"
    if lock.services is not None and models.is_dir():
        for entry in models.iterdir():
            if entry.is_dir() and entry.name not in lock.services:
                shutil.rmtree(entry)
    shutil.rmtree(folder / "bin", ignore_errors=True)
