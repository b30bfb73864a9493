"""Whether a role may do something, found out by trying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from rft_cli.verification.observation import Observation, holds, unseen
from rft_runtime.failures import error_code

DENIED = "denied"
ALLOWED = "allowed"


@dataclass(frozen=True)
class Tried:
    """One action, tried by the role whose condition names another tag, and by the one whose condition names its tag.

    Args:
        action: Which.
        other: `denied`, `allowed`, or the error that came instead.
        own: The same.
    """

    action: str
    other: str
    own: str


def attempt(call: Callable[[], object]) -> str:
    """Return how a call ends: `denied`, `allowed`, or the code of another error."""
    try:
        call()
    except ClientError as error:
        code = error_code(error)
        return DENIED if code.startswith("AccessDenied") else code
    return ALLOWED


def observe_tags(name: str, tried: Sequence[Tried]) -> Observation:
    """Return whether conditions on tags confine a role to what has the tag.

    Args:
        name: The assumption.
        tried: The actions that were tried; none: it came to nothing.
    """
    if not tried:
        return unseen(name, "there was nothing to try it on")
    words = "; ".join(f"{one.action}: other tag {one.other}, own tag {one.own}" for one in tried)
    if any(one.own == DENIED or one.other == ALLOWED for one in tried):
        return holds(name, False, words)
    if any(one.other != DENIED for one in tried):
        return unseen(name, words)
    return holds(name, True, words)
