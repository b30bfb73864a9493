"""Third-party packages of the workflow handlers, fetched once for each platform and kept in `.bundles/third-party/`.

`python3 -m bedrock_rft [arm64 | x86_64 | host ...]` fills the cache; afterwards synth needs no network.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bedrock_rft._assets import AssetError, bundles_folder, cached, package_folder
from bedrock_rft.handler_platform import HandlerPlatform

SERVICES = frozenset({"bedrock", "bedrock-runtime", "cloudwatch", "lambda", "s3", "sns", "stepfunctions", "sts"})
"""The services whose models stay in the asset; botocore brings more than 400, some 25 MB."""


def third_party(platform: HandlerPlatform) -> Path:
    """Return a folder with the handlers' locked third-party packages.

    Args:
        platform: Where the handlers run.

    Raises:
        AssetError: When pip cannot fetch them, usually because there is no network.
    """
    lock = package_folder("rft_handlers") / "requirements.lock"
    recipe = "\n".join([platform.wheels, *sorted(SERVICES), lock.read_text(encoding="utf-8")])
    folder = bundles_folder() / "third-party" / hashlib.sha256(recipe.encode()).hexdigest()[:32]

    def write(target: Path) -> None:
        _install(lock, target, platform)
        _prune(target)

    return cached(folder, write)


def _install(lock: Path, target: Path, platform: HandlerPlatform) -> None:
    """Install exactly what the lock file lists, without bytecode, which would change the asset's hash."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:", *platform.pip_options]
    command += ["--target", str(target), "--requirement", str(lock)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise AssetError(
            f"handler packages for {platform.value} are not in {bundles_folder()} and pip could not fetch them "
            f"({(errors or ['no message'])[-1]}); with network, run: "
            f"python3 -m bedrock_rft {platform.value}"
        )


def _prune(folder: Path) -> None:
    """Remove what handlers never load: other services' models, and console scripts."""
    for entry in (folder / "botocore" / "data").iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
    shutil.rmtree(folder / "bin", ignore_errors=True)
