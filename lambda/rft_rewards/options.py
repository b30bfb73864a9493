"""Checks of a grader's options: each raises a ValueError of one line that says what was got and what was wanted."""

import math
from collections.abc import Collection


def check_flag(name: str, value: object) -> None:
    """Refuse what is not true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: got {value!r}, wanted true or false")


def check_choice(name: str, value: object, allowed: Collection[str]) -> None:
    """Refuse what is not one of some words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}: got {value!r}, wanted {' or '.join(allowed)}")


def check_whole(name: str, value: object, *, least: int, most: int | None = None, null: bool = False) -> None:
    """Refuse what is not a whole number within bounds, nor null where that is allowed."""
    if value is None and null:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        upper = "" if most is None else f" to {most}"
        raise ValueError(
            f"{name}: got {value!r}, wanted a whole number from {least}{upper}{', or null' if null else ''}"
        )


def check_share(name: str, value: object) -> None:
    """Refuse what is not a number from 0 to 1."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not 0 <= value <= 1
    ):
        raise ValueError(f"{name}: got {value!r}, wanted a number from 0 to 1")


def check_texts(name: str, value: object, *, most: int) -> None:
    """Refuse what is not a list of different texts, none of them blank."""
    if (
        not isinstance(value, (list, tuple))
        or len(value) > most
        or not all(isinstance(text, str) and text.strip() for text in value)
        or len(set(value)) < len(value)
    ):
        raise ValueError(f"{name}: got {value!r}, wanted a list of at most {most} different texts")
