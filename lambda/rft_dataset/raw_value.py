"""A row's fields without a type, as values: two spellings of one value are the same."""

import msgspec

from rft_contract.json_value import JsonValue, canonical

_EXACT = 2**53
"""Whole numbers below this are exact as floats (IEEE 754)."""


def value_of(raw: msgspec.Raw) -> JsonValue:
    """Return a field's value; `1`, `1.0` and `1e0` are one number.

    Args:
        raw: A field of a sound row.

    Returns:
        None for a field that is absent or null; an empty list or object for one nested too deeply to read.
    """
    text = bytes(raw)
    if not text:
        return None
    try:
        value: JsonValue = _decoder.decode(text)
    except RecursionError:
        return {} if text.startswith(b"{") else []
    return value


def key_of(raw: msgspec.Raw) -> int:
    """Return a number that equal values share, whatever the order of keys and the spelling of numbers and texts.

    Args:
        raw: A field of a sound row.

    Returns:
        64 bits, the same within this process.
    """
    text = bytes(raw)
    try:
        return hash(canonical(_decoder.decode(text)))
    except RecursionError:
        return hash(text)


def _number(text: str) -> int | float:
    """Return a number as an integer where it is one."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


_decoder = msgspec.json.Decoder(float_hook=_number)
