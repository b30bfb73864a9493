"""Orders to a running embedded AWS: what goes wrong in it, and how much of their time waits take."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

import msgspec

from rft_local.bedrock.accidents import ACCIDENTS, Accident
from rft_local.emulator.faults import Fault
from rft_local.emulator.gateway import FAULT_ORDERS, PACE
from rft_local.local_error import LocalError

_SECONDS = 30.0


class OrderedFault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault in force.

    Args:
        number: By which it is lifted.
        met: Calls that it fits, so far.
        struck: How often it had its effect.
        fault: The fault.
    """

    number: int
    met: int
    struck: int
    fault: Fault


class _InForce(msgspec.Struct, frozen=True):
    faults: list[OrderedFault]


class _Numbers(msgspec.Struct, frozen=True):
    numbers: list[int]


def order_faults(url: str, faults: Sequence[Fault]) -> list[int]:
    """Put faults into force and return their numbers.

    Args:
        url: The embedded AWS's endpoint.
        faults: The faults; where several fit a call, the first one strikes.

    Raises:
        LocalError: When it does not answer.
    """
    answer = _ask("POST", url + FAULT_ORDERS, msgspec.json.encode(list(faults)))
    return msgspec.json.decode(answer, type=_Numbers).numbers


def ordered_faults(url: str) -> list[OrderedFault]:
    """Return the faults in force; see `order_faults`."""
    return msgspec.json.decode(_ask("GET", url + FAULT_ORDERS), type=_InForce).faults


def lift_faults(url: str, numbers: Sequence[int] = ()) -> None:
    """Lift faults, without numbers all of them; see `order_faults`."""
    _ask("DELETE", url + FAULT_ORDERS, json.dumps({"numbers": list(numbers)}).encode())


def set_pace(url: str, share: float) -> None:
    """Let the waits of state machines and functions take a share of their time; see `order_faults`."""
    _ask("POST", url + PACE, json.dumps({"share": share}).encode())


def order_accident(bedrock_url: str, accident: Accident) -> None:
    """Let the next job, deployment or update of a name not end well.

    Args:
        bedrock_url: Of the Bedrock endpoint behind the embedded AWS.
        accident: What happens.

    Raises:
        LocalError: When it does not answer.
    """
    _ask("POST", bedrock_url + ACCIDENTS, msgspec.json.encode(accident))


def _ask(method: str, url: str, body: bytes | None = None) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, method=method), timeout=_SECONDS) as answer:
            found: bytes = answer.read()
            return found
    except urllib.error.HTTPError as error:
        raise LocalError(f"{method} {url}: {error.read().decode(errors='replace')}") from None
    except (urllib.error.URLError, OSError) as error:
        raise LocalError(f"{method} {url}: the embedded AWS does not answer ({error})") from None
