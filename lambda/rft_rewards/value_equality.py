"""Whether a program's value is the one that a case expects. Recurses no deeper than the value, which is bounded."""

import math

from rft_contract.json_value import JsonValue

_CLOSE = 1e-9


def equal_by_value(expected: JsonValue, value: object) -> bool:
    """Compare as a reader of JSON would: 3 is 3.0, a tuple is a list, floats may differ by 1e-9 of the larger one.

    A boolean is no number, and a set is no list.
    """
    if isinstance(expected, list):
        return (
            isinstance(value, (list, tuple))
            and len(expected) == len(value)
            and all(map(equal_by_value, expected, value))
        )
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and expected.keys() == value.keys()
            and all(equal_by_value(item, value[key]) for key, item in expected.items())
        )
    if isinstance(expected, bool) or isinstance(value, bool) or isinstance(expected, str) or expected is None:
        return type(expected) is type(value) and expected == value
    if not isinstance(value, (int, float)):
        return False
    try:
        return expected == value or (
            isinstance(expected, float) | isinstance(value, float) and math.isclose(expected, value, rel_tol=_CLOSE)
        )
    except OverflowError:  # an int beyond every float
        return False


def equal_exactly(expected: JsonValue, value: object) -> bool:
    """Compare types as well, and floats digit by digit."""
    if type(expected) is not type(value):
        return False
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(equal_exactly, expected, value))
    if isinstance(expected, dict) and isinstance(value, dict):
        return expected.keys() == value.keys() and all(equal_exactly(expected[key], value[key]) for key in expected)
    return expected == value
