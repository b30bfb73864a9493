"""A stream that knows the hash of what was read from it."""

import hashlib
import io
from typing import BinaryIO

_CHUNK = 1 << 20


class HashedStream(io.RawIOBase):
    """Passes a stream on and hashes it.

    Args:
        source: The stream; not read ahead of what is asked for.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; all that is left when negative."""
        data = self._source.read(size) if size >= 0 else self._source.read()
        self._hash.update(data)
        return data

    def sha256(self) -> str:
        """Read the rest and return the hex digest of the whole."""
        while self.read(_CHUNK):
            pass
        return self._hash.hexdigest()
