"""The machine on which workflow handlers run: it decides which wheels their asset holds."""

import platform
import sys
import sysconfig
from enum import Enum

from aws_cdk import aws_lambda as lambda_

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""Runtime of every function here: the newest that cdk-nag accepts."""


class HandlerPlatform(Enum):
    """Where workflow handlers run.

    `ARM64` and `X86_64` are AWS Lambda's two machines. `HOST` is this machine and this Python: for an embedded AWS,
    which runs functions on its own interpreter.
    """

    ARM64 = "arm64"
    X86_64 = "x86_64"
    HOST = "host"

    @property
    def architecture(self) -> lambda_.Architecture:
        """The architecture that the functions declare."""
        on_arm = (
            platform.machine().lower() in ("arm64", "aarch64")
            if self is HandlerPlatform.HOST
            else self.value == "arm64"
        )
        return lambda_.Architecture.ARM_64 if on_arm else lambda_.Architecture.X86_64

    @property
    def wheels(self) -> str:
        """Names the set of wheels that fit: equal names, equal wheels."""
        if self is HandlerPlatform.HOST:
            return f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
        return f"{RUNTIME.name}-{'-'.join(self._manylinux)}"

    @property
    def pip_options(self) -> tuple[str, ...]:
        """Options with which pip chooses those wheels."""
        if self is HandlerPlatform.HOST:
            return ()
        version = RUNTIME.name.removeprefix("python")
        platforms = (option for tag in self._manylinux for option in ("--platform", tag))
        return (*platforms, "--implementation", "cp", "--python-version", version)

    @property
    def _manylinux(self) -> tuple[str, ...]:
        """The wheels that Amazon Linux 2023 runs: its glibc is 2.34 (AWS, "Comparing AL2 and AL2023")."""
        machine = "aarch64" if self is HandlerPlatform.ARM64 else "x86_64"
        return f"manylinux_2_28_{machine}", f"manylinux2014_{machine}"
