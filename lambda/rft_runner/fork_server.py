"""The process that forks one child a program.

It was started with a cleared environment, has read nothing but limits, and never sees a job: descriptors pass through
it, not data. So what a child inherits is an interpreter and nothing to find. It adopts the orphans of its children and
ends them when it is told that a program is over.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass

from rft_runner.processes import adopt_orphans, die_with_parent, end_descendants, hide, renounce_privileges
from rft_runner.program import Bounds, execute

_COMMON = (
    "abc array ast asyncio base64 binascii bisect builtins calendar cmath codecs collections collections.abc "
    "colorsys contextlib copy csv dataclasses datetime decimal difflib encodings.ascii encodings.latin_1 enum "
    "fnmatch fractions functools glob graphlib hashlib heapq html inspect io ipaddress itertools json linecache "
    "locale logging math mimetypes numbers operator optparse pathlib pickle platform pprint queue random re secrets "
    "shlex shutil signal stat statistics string struct subprocess tempfile textwrap threading time token tokenize "
    "traceback types typing unicodedata urllib.parse uuid warnings weakref xml.etree.ElementTree zlib zoneinfo"
)
"""Modules that programs import often; a child finds them loaded.

Where the interpreter lies in a folder that is closed to the user `nobody`, these are all that programs have.
"""

END = b"end"
_LONGEST_MESSAGE = 4096


@dataclass(frozen=True, slots=True)
class Start:
    """What is told about a program, beside the descriptors of its job and of its answers.

    Args:
        bounds: What it may use.
        folder: Where it runs.
        user: Ids of user and group as which it runs; None: as this process does.
    """

    bounds: Bounds
    folder: str
    user: tuple[int, int] | None

    def to_bytes(self) -> bytes:
        """Return a message."""
        bounds = self.bounds
        limits = (bounds.seconds, bounds.memory_mib, bounds.file_mib, bounds.processes, bounds.files)
        return json.dumps([limits, self.folder, self.user]).encode()

    @classmethod
    def from_bytes(cls, message: bytes) -> "Start":
        """Read what `to_bytes` wrote."""
        limits, folder, user = json.loads(message)
        return cls(Bounds(*limits), folder, None if user is None else (user[0], user[1]))


def main() -> None:
    """Serve the socket whose descriptor is the last argument, until its other end is closed."""
    hide()
    adopt_orphans()
    die_with_parent()
    for name in _COMMON.split():
        importlib.import_module(name)
    channel = socket.socket(fileno=int(sys.argv[-1]))
    gc.collect()
    gc.freeze()
    channel.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, _LONGEST_MESSAGE, 2)
        if not message:
            return
        child = os.fork()
        if child == 0:
            _become(Start.from_bytes(message), channel, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if channel.recv(_LONGEST_MESSAGE) != END:
            return
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        channel.send(json.dumps(end_descendants()).encode())


def _become(start: Start, channel: socket.socket, reading: int, writing: int) -> None:
    """Be the child that runs a program, and end."""
    try:
        channel.close()
        os.setsid()
        kept = sorted((reading, writing))
        os.closerange(3, kept[0])
        os.closerange(kept[0] + 1, kept[1])
        os.closerange(kept[1] + 1, os.sysconf("SC_OPEN_MAX"))
        os.chdir(start.folder)
        start.bounds.apply()
        if start.user is not None:
            user, group = start.user
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
        die_with_parent()  # changing the user undid it
        renounce_privileges()
        execute(reading, writing)
    finally:
        os._exit(0)
