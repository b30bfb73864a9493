"""What an untrusted program answered to one call."""

import builtins
import json
from dataclasses import dataclass

_NEVER_RAISED = (StopIteration, StopAsyncIteration)
_LONGEST_MESSAGE = 500


class CandidateError(Exception):
    """Stands for an exception of the program's own, or one that would steer the author's loops."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A value.

    Args:
        text: The value, encoded; reading it may still show that it is none.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception.

    Args:
        name: Of its nearest built-in class.
        message: What it said.
    """

    name: str
    message: str

    def exception(self) -> Exception:
        """Return it as the author's test shall meet it: a built-in exception, else `CandidateError`.

        `StopIteration` is never raised: it would end the author's loops over `map` before they assert anything.
        """
        kind = getattr(builtins, self.name, None)
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, _NEVER_RAISED):
            try:
                return kind(self.message)
            except TypeError:  # an exception that wants more than a message
                pass
        return CandidateError(self.message)


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer.

    Args:
        reason: What became of the call, a code such as `timeout` or `not-plain`.
    """

    reason: str


Answer = Returned | Raised | Lost
"""What a call led to."""

LOST_REASONS = (
    "died",
    "flood",
    "memory",
    "no-entry-point",
    "not-plain",
    "not-python",
    "raised-on-load",
    "timeout",
    "too-deep",
    "too-large",
)
"""What may become of a call without an answer."""


def read(text: str) -> Answer:
    """Read an answer. Whatever is not one, is lost: the text comes from an untrusted program."""
    kind, content = text[:1], text[1:]
    if kind == "v":
        return Returned(content)
    if kind == "r":
        try:
            name, message = json.loads(content)
        except (ValueError, TypeError, RecursionError):
            return Lost("unreadable")
        if isinstance(name, str) and isinstance(message, str):
            return Raised(name, message[:_LONGEST_MESSAGE])
    if kind == "x" and content in LOST_REASONS:
        return Lost(content)
    return Lost("unreadable")
