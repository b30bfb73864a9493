"""JSON that is signed, or lies beside what is signed: each value has one text, and no other text is read."""

from typing import Protocol, TypeVar

import msgspec

from rft_contract.json_value import canonical


class Versioned(Protocol):
    """A struct that says which version of its format it is of."""

    @property
    def schema(self) -> int:
        """The version."""
        ...


_T = TypeVar("_T", bound=Versioned)


def encode_exact(value: object) -> bytes:
    """Return a struct as canonical JSON."""
    return canonical(msgspec.to_builtins(value)).encode()


def decode_exact(body: bytes, kind: type[_T], name: str) -> _T:
    """Read what `encode_exact` wrote.

    Args:
        body: The text.
        kind: The struct.
        name: What to call it in an error.

    Raises:
        ValueError: When the text is not, byte for byte, that of such a struct in version 1.
    """
    try:
        found = msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{name}: {error}") from None
    if found.schema != 1:
        raise ValueError(f"{name}: schema: got {found.schema}, this version reads 1")
    if encode_exact(found) != body:
        raise ValueError(f"{name}: not in canonical form")
    return found
