"""JSON as a type, and its canonical text."""

import json
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""Anything that `json.loads` returns."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""


def canonical(value: object) -> str:
    """Return the one text that equal JSON values share: sorted keys, no spaces, unescaped unicode.

    Args:
        value: Anything `json.dumps` takes; NaN and infinities are refused because JSON has none.

    Raises:
        ValueError: When a number is not finite.
        TypeError: When something in it is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
