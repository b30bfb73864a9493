"""Wheel and sdist are the same bytes wherever and whenever they are built, from the checkout or from the sdist."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "1764460800"


def build(source: Path, target: Path, epoch: str = EPOCH) -> dict[str, str]:
    """Build both; return the hash of each by its name."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    result = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in target.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the checkout gives."""
    folder = tmp_path_factory.mktemp("built")
    assert len(build(ROOT, folder)) == 2
    return folder


def unpacked(built: Path, folder: Path) -> Path:
    """Unpack the sdist; return the folder in it, with what a checkout has."""
    (sdist,) = built.glob("*.tar.gz")
    # As a command it does the same in every Python: the argument `filter` of the method came with 3.11.4.
    subprocess.run([sys.executable, "-m", "tarfile", "-e", str(sdist), str(folder)], check=True)
    (source,) = folder.iterdir()
    (source / "PKG-INFO").unlink()
    return source


def test_two_builds_in_two_folders_are_the_same_bytes(built: Path, tmp_path: Path) -> None:
    first, second = (unpacked(built, tmp_path / name) for name in ("first", "second"))
    for path in second.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(path.stat().st_mode & 0o700)
    hashes = build(first, tmp_path / "a")
    assert hashes == build(second, tmp_path / "b")
    assert hashes == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built.iterdir()}


def test_the_date_is_the_given_one(built: Path, tmp_path: Path) -> None:
    later = build(unpacked(built, tmp_path / "source"), tmp_path / "later", str(int(EPOCH) + 86400))
    assert all(hashlib.sha256((built / name).read_bytes()).hexdigest() != digest for name, digest in later.items())
