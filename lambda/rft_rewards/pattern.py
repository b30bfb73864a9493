r"""Patterns that any text is searched with in linear time, however hostile both are.

They are RE2's (https://github.com/google/re2/wiki/Syntax), an automaton without backtracking: no look-around and no
back-references. Flags stand inside, such as `(?i)`, `(?m)` or `(?s)`; `\w`, `\d` and `\b` know ASCII alone, `\pL` and
`\pN` every script.
"""

from collections.abc import Callable

import re2  # type: ignore[import-untyped]  # the package has no annotations

_LONGEST = 1_000


def compile_pattern(name: str, pattern: object) -> Callable[[str], bool]:
    """Return a function that tells whether a text has a place that a pattern matches.

    Args:
        name: The option that the pattern comes from, for the error.
        pattern: The pattern, at most 1,000 characters.

    Raises:
        ValueError: When it is not a pattern of RE2.
    """
    if not isinstance(pattern, str) or not 0 < len(pattern) <= _LONGEST:
        raise ValueError(f"{name}: got {pattern!r}, wanted a pattern of 1 to {_LONGEST} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"{name}: got {pattern!r}, wanted a pattern of RE2: {_reason(error)}") from None
    return lambda text: compiled.search(text.encode("utf-8", "replace")) is not None


def _reason(error: Exception) -> str:
    """Return what RE2 says, which comes as bytes."""
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
