"""Lambda patch: system calls that functions may turn out not to be allowed.

Source: seccomp(2) and "Seccomp BPF (SECure COMPuting with filters)" of the Linux kernel; numbers of system calls and
architectures from its headers `asm/unistd.h` and `linux/audit.h`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rft_local.emulator.undocumented import SystemCalls

_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_REFUSED_PRCTL = (4, 36)
"""PR_SET_DUMPABLE and PR_SET_CHILD_SUBREAPER."""


@dataclass(frozen=True)
class _Machine:
    """What the kernel calls a kind of processor and two system calls on it."""

    audit: int
    prctl: int
    memfd_create: int


_MACHINES = {
    "x86_64": _Machine(audit=0xC000003E, prctl=157, memfd_create=319),
    "aarch64": _Machine(audit=0xC00000B7, prctl=167, memfd_create=279),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def refuse_system_calls(choice: SystemCalls) -> None:
    """Has the kernel refuse `memfd_create` and two options of `prctl` to every function, when that is chosen.

    Undocumented: whether AWS allows them. The filter holds for this process and all that it will start; the emulator
    itself makes none of these calls, and nothing takes the filter away again.

    Args:
        choice: Whether they are allowed.

    Raises:
        OSError: When the kernel takes no such filter.
    """
    if choice is SystemCalls.ALLOWED:
        return
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.platform != "linux":
        here = f"{platform.system()} on {platform.machine()}"
        raise OSError(f"--system-calls refused: this is {here}, wanted Linux on {' or '.join(_MACHINES)}")
    steps = b"".join(_steps(machine))
    program = _Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"--system-calls refused: the kernel takes no filter: {os.strerror(number)}")


def _steps(machine: _Machine) -> Sequence[bytes]:
    """The filter; a jump counts the steps that are left out when the values are equal, and when they are not."""
    dumpable, subreaper = _REFUSED_PRCTL
    return (
        _step(_LOAD, _MACHINE_AT),
        _step(_IF_EQUAL, machine.audit, 0, 6),
        _step(_LOAD, _NUMBER_AT),
        _step(_IF_EQUAL, machine.memfd_create, 5, 0),
        _step(_IF_EQUAL, machine.prctl, 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT_AT),
        _step(_IF_EQUAL, dumpable, 2, 0),
        _step(_IF_EQUAL, subreaper, 1, 0),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
    )


def _step(code: int, value: int, equal: int = 0, unequal: int = 0) -> bytes:
    """`struct sock_filter`."""
    return struct.pack("=HBBI", code, equal, unequal, value)
