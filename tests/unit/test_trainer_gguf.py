"""The GGUF reader against files written here, value by value."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_local.trainer.gguf import Gguf, GgufError

F32, Q4_1, Q8_0, Q6_K = 0, 3, 8, 14


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def written(path: Path, tensors: dict[str, tuple[int, list[int], bytes]]) -> Path:
    """Write a GGUF file with a few metadata values and the given (kind, dimensions, bytes) tensors."""
    pairs = [
        text("general.name") + struct.pack("<I", 8) + text("tiny"),
        text("llama.block_count") + struct.pack("<II", 4, 2),
        text("llama.epsilon") + struct.pack("<If", 6, 0.5),
        text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("ü"),
        text("kinds") + struct.pack("<IIQ", 9, 5, 2) + struct.pack("<ii", 1, -3),
    ]
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    body = b""
    for name, (kind, dimensions, data) in tensors.items():
        header += text(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        header += struct.pack("<IQ", kind, len(body))
        body += data + b"\0" * (-len(data) % 32)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + body)
    return path


def test_metadata(tmp_path: Path) -> None:
    gguf = Gguf.open(written(tmp_path / "m.gguf", {}))
    assert gguf.text("general.name") == "tiny"
    assert gguf.integer("llama.block_count") == 2
    assert gguf.number("llama.epsilon") == 0.5
    assert gguf.strings("tokens") == ["a", "ü"]
    assert gguf.integers("kinds") == [1, -3]


def test_f32_has_rows_first(tmp_path: Path) -> None:
    values = np.arange(6, dtype="<f4")
    gguf = Gguf.open(written(tmp_path / "m.gguf", {"x": (F32, [3, 2], values.tobytes())}))
    assert gguf.tensor("x").tolist() == [[0, 1, 2], [3, 4, 5]]


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    scale=st.floats(-4, 4, width=16),
    quantized=st.lists(st.integers(-128, 127), min_size=32, max_size=32),
)
def test_q8_0(tmp_path_factory: pytest.TempPathFactory, scale: float, quantized: list[int]) -> None:
    data = struct.pack("<e32b", scale, *quantized)
    path = written(tmp_path_factory.mktemp("q8") / "m.gguf", {"x": (Q8_0, [32], data)})
    assert Gguf.open(path).tensor("x").tolist() == [scale * value for value in quantized]


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    scale=st.floats(-4, 4, width=16),
    minimum=st.floats(-4, 4, width=16),
    nibbles=st.lists(st.integers(0, 15), min_size=32, max_size=32),
)
def test_q4_1(tmp_path_factory: pytest.TempPathFactory, scale: float, minimum: float, nibbles: list[int]) -> None:
    packed = bytes(low | high << 4 for low, high in zip(nibbles[:16], nibbles[16:], strict=True))
    data = struct.pack("<ee", scale, minimum) + packed
    path = written(tmp_path_factory.mktemp("q4") / "m.gguf", {"x": (Q4_1, [32], data)})
    expected = [scale * value + minimum for value in nibbles]
    np.testing.assert_allclose(Gguf.open(path).tensor("x"), expected, rtol=1e-6, atol=1e-6)


def test_refusals_are_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(GgufError, match="starts with"):
        Gguf.open(other)
    whole = written(tmp_path / "m.gguf", {"x": (Q6_K, [256], b"\0" * 210), "y": (F32, [64], b"\0" * 256)})
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[:60])
    with pytest.raises(GgufError, match="cut short"):
        Gguf.open(cut)
    gguf = Gguf.open(whole)
    with pytest.raises(GgufError, match="type 14"):
        gguf.tensor("x")
    with pytest.raises(GgufError, match="not in the file"):
        gguf.tensor("z")
    with pytest.raises(GgufError, match="wanted int"):
        gguf.integer("general.name")
    short = tmp_path / "short.gguf"
    short.write_bytes(whole.read_bytes()[:-64])
    with pytest.raises(GgufError, match="ends at byte"):
        Gguf.open(short).tensor("y")
