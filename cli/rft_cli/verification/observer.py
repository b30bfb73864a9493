"""The observing function: a reward function that writes down what it is called with.

It is deployed as this one file, so it imports nothing but the standard library and boto3, which Lambda has. Of what it
gets it keeps names, forms and counts, never a text: prompts and completions stay out of its records.
"""

import ctypes
import json
import os
import socket
import uuid
import zlib
from collections.abc import Callable
from typing import Any

SANDBOX = "sandbox"
"""Value of `look` in the event that asks for the system calls."""

NESTED = {"list": [1, {"deep": None}], "text": "ü"}
"""What every row of the trial holds in its field `nested`."""

_PR_SET_DUMPABLE, _PR_GET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 3, 36


def handler(event: Any, context: Any) -> Any:
    """Grade samples, write down an event of Bedrock, or try the system calls, by what the event is."""
    if isinstance(event, dict) and event.get("look") == SANDBOX:
        return sandbox()
    if isinstance(event, dict):
        _write("status", {"source": event.get("source"), "status": (event.get("detail") or {}).get("jobStatus")})
        return None
    _write(
        "events",
        {
            "arn": context.invoked_function_arn,
            "version": context.function_version,
            "bytes": len(json.dumps(event, ensure_ascii=False).encode()),
            "samples": [seen(sample) for sample in event],
        },
    )
    return [{"id": sample["id"], "aggregate_reward_score": score(sample)} for sample in event]


def seen(sample: dict[str, Any]) -> dict[str, Any]:
    """Return what is written down of a sample: where fields were found and in which form."""
    metadata = sample.get("metadata")
    below = metadata if isinstance(metadata, dict) else {}
    mark = below.get("row", sample.get("row"))
    return {
        "row": mark if isinstance(mark, int) else None,
        "split": below.get("split", sample.get("split")),
        "nested": _place(sample, below, "nested", _nested),
        "reference": _place(sample, below, "reference_answer", _form),
        "role": sample["messages"][-1].get("role"),
    }


def score(sample: dict[str, Any]) -> float:
    """Return 0 or 1 by the sample's own id: groups are mixed, so that a trainer has something to do."""
    return float(zlib.crc32(str(sample["id"]).encode()) % 2)


def sandbox() -> dict[str, str]:
    """Try the system calls that the isolated runner of `code` rewards makes; each says `ok` or its error."""
    libc = ctypes.CDLL(None, use_errno=True)
    tries: dict[str, Callable[[], object]] = {
        "non-dumpable": lambda: _prctl(libc, _PR_SET_DUMPABLE, 0),
        "subreaper": lambda: _prctl(libc, _PR_SET_CHILD_SUBREAPER, 1),
        "memfd_create": lambda: os.close(os.memfd_create("look")),
        "descriptors": _pass_descriptor,
    }
    return {name: _outcome(one) for name, one in tries.items()}


def _outcome(one: Callable[[], object]) -> str:
    try:
        one()
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror or error}"
    return "ok"


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _pass_descriptor() -> None:
    """Have a child process write into a file of memory whose descriptor it is sent."""
    ours, theirs = socket.socketpair()
    shared = os.memfd_create("shared")
    child = os.fork()
    if child == 0:
        _, (received,), _, _ = socket.recv_fds(theirs, 1, 1)
        os._exit(0 if os.write(received, b"x") == 1 else 1)
    socket.send_fds(ours, [b"x"], [shared])
    _, status = os.waitpid(child, 0)
    ours.close()
    theirs.close()
    os.lseek(shared, 0, os.SEEK_SET)
    arrived = os.read(shared, 1)
    os.close(shared)
    if status != 0 or arrived != b"x":
        raise OSError("the descriptor did not arrive")


def _place(sample: dict[str, Any], below: dict[str, Any], name: str, form: Callable[[Any], str]) -> list[str]:
    """Return where a field was found, and its form."""
    if name in below:
        return ["metadata", form(below[name])]
    return ["top level", form(sample[name])] if name in sample else ["nowhere", "missing"]


def _nested(value: Any) -> str:
    return "same" if value == NESTED else f"another {type(value).__name__}"


def _form(value: Any) -> str:
    if isinstance(value, dict):
        return "text in a mapping" if set(value) == {"text"} else "mapping"
    return "string" if isinstance(value, str) else type(value).__name__


def _write(folder: str, record: dict[str, Any]) -> None:
    import boto3

    key = f"{os.environ['PREFIX']}{folder}/{uuid.uuid4().hex}.json"
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(record).encode())
