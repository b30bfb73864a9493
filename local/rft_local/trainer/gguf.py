"""GGUF, the file format of llama.cpp: metadata and quantized tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; block layouts: `ggml-common.h` of that repository.
Only what SmolLM2's file uses is read: F32 tensors and the block quantizations Q4_1 and Q8_0.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

MetadataValue: TypeAlias = bool | int | float | str | list["MetadataValue"]
"""A value of GGUF's key-value section."""

FloatArray: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]
_T = TypeVar("_T")

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_BLOCK_VALUES = 32


class GgufError(ValueError):
    """The file is not a GGUF file that can be read here."""


class TensorInfo(NamedTuple):
    """Where one tensor lies.

    Attributes:
        shape: Rows first, as numpy writes it (GGUF lists dimensions the other way round).
        kind: ggml's type number.
        offset: Bytes from the start of the file.
    """

    shape: tuple[int, ...]
    kind: int
    offset: int


def _f32(raw: Bytes) -> FloatArray:
    return raw.view("<f4").astype(np.float32)


def _q8_0(raw: Bytes) -> FloatArray:
    """Blocks of an f16 scale and 32 signed bytes."""
    blocks = raw.reshape(-1, 2 + _BLOCK_VALUES)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32) * scale


def _q4_1(raw: Bytes) -> FloatArray:
    """Blocks of an f16 scale, an f16 minimum and 32 nibbles: the low halves are the first 16 values."""
    blocks = raw.reshape(-1, 4 + _BLOCK_VALUES // 2)
    scale, minimum = np.hsplit(np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32), 2)
    packed = blocks[:, 4:]
    return np.hstack([packed & 15, packed >> 4]).astype(np.float32) * scale + minimum


class _Kind(NamedTuple):
    block_bytes: int
    block_values: int
    decode: Callable[[Bytes], FloatArray]


_KINDS = {0: _Kind(4, 1, _f32), 3: _Kind(20, _BLOCK_VALUES, _q4_1), 8: _Kind(34, _BLOCK_VALUES, _q8_0)}


@dataclass(frozen=True)
class Gguf:
    """An opened GGUF file; tensors are decoded when asked for.

    Args:
        metadata: The key-value section.
        infos: Name to place of every tensor.
        data: The file's bytes, memory mapped.
    """

    metadata: Mapping[str, MetadataValue]
    infos: Mapping[str, TensorInfo]
    data: Bytes

    @classmethod
    def open(cls, path: Path) -> "Gguf":
        """Read the header of the file at `path`.

        Raises:
            GgufError: When it is not a GGUF file of version 2 or 3, or is cut short.
        """
        data = np.memmap(path, dtype=np.uint8, mode="r")
        if bytes(data[:4]) != _MAGIC:
            raise GgufError(f"{path}: starts with {bytes(data[:4])!r}, a GGUF file starts with {_MAGIC!r}")
        try:
            return _Header(data).read()
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise GgufError(f"{path}: the GGUF header is cut short or damaged; download the file again") from error

    def text(self, key: str) -> str:
        """Return the string under `key`."""
        return self._typed(key, str)

    def integer(self, key: str) -> int:
        """Return the integer under `key`."""
        return self._typed(key, int)

    def number(self, key: str) -> float:
        """Return the float under `key`."""
        return self._typed(key, float)

    def strings(self, key: str) -> list[str]:
        """Return the list of strings under `key`."""
        return [str(item) for item in self._typed(key, list)]

    def integers(self, key: str) -> list[int]:
        """Return the list of integers under `key`."""
        return [item for item in self._typed(key, list) if isinstance(item, int)]

    def tensor(self, name: str) -> FloatArray:
        """Return the tensor `name`, dequantized.

        Raises:
            GgufError: When the file has no such tensor, it lies past the end, or its quantization is not read here.
        """
        if name not in self.infos:
            raise GgufError(f"tensor {name!r} is not in the file; it has {len(self.infos)} tensors")
        shape, kind, offset = self.infos[name]
        if kind not in _KINDS:
            raise GgufError(f"tensor {name!r} has ggml type {kind}; read here: {sorted(_KINDS)} (F32, Q4_1, Q8_0)")
        block_bytes, block_values, decode = _KINDS[kind]
        size = int(np.prod(shape)) // block_values * block_bytes
        if offset + size > len(self.data):
            raise GgufError(f"tensor {name!r} ends at byte {offset + size}, the file at {len(self.data)}")
        return decode(np.array(self.data[offset : offset + size])).reshape(shape)

    def _typed(self, key: str, kind: type[_T]) -> _T:
        value = self.metadata.get(key)
        if not isinstance(value, kind):
            raise GgufError(f"metadata {key!r}: got {type(value).__name__}, wanted {kind.__name__}")
        return value


class _Header:
    """A cursor over the file's first bytes."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._buffer = data.data
        self._at = len(_MAGIC)

    def read(self) -> Gguf:
        version = self._scalar("I")
        if version not in (2, 3):
            raise GgufError(f"GGUF version {version}; read here: 2 and 3")
        tensors, pairs = int(self._scalar("Q")), int(self._scalar("Q"))
        metadata = {self._string(): self._value(int(self._scalar("I"))) for _ in range(pairs)}
        relative = {self._string(): self._info() for _ in range(tensors)}
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int):
            raise GgufError(f"general.alignment: got {alignment!r}, wanted an integer")
        start = -(-self._at // alignment) * alignment
        infos = {name: info._replace(offset=start + info.offset) for name, info in relative.items()}
        return Gguf(metadata, infos, self._data)

    def _info(self) -> TensorInfo:
        dimensions = [int(self._scalar("Q")) for _ in range(int(self._scalar("I")))]
        return TensorInfo(tuple(reversed(dimensions)), int(self._scalar("I")), int(self._scalar("Q")))

    def _scalar(self, code: str) -> bool | int | float:
        (value,) = struct.unpack_from("<" + code, self._buffer, self._at)
        self._at += struct.calcsize("<" + code)
        assert isinstance(value, (bool, int, float))
        return value

    def _string(self) -> str:
        length = int(self._scalar("Q"))
        start, self._at = self._at, self._at + length
        return bytes(self._buffer[start : self._at]).decode("utf-8")

    def _value(self, kind: int) -> MetadataValue:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            item, length = int(self._scalar("I")), int(self._scalar("Q"))
            return [self._value(item) for _ in range(length)]
        return self._scalar(_SCALARS[kind])
