"""Serves one patched ministack until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from typing import Any

from rft_local.emulator import worker
from rft_local.emulator.environment import HOST, EmulatorSettings
from rft_local.emulator.gateway import gateway
from rft_local.emulator.patches import patches
from rft_local.emulator.patches.lambda_runtime import runtime_library
from rft_local.emulator.upstream import check, require

KEEP_ALIVE_SECONDS = 75


class PortInUseError(Exception):
    """Something else listens on the emulator's port."""


def check_port(port: int) -> None:
    """Refuses a port that is taken.

    Raises:
        PortInUseError: Saying which port, and what to do.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {HOST} cannot be used ({error.strerror}): choose another with --port"
            ) from None


def serve(settings: EmulatorSettings) -> None:
    """Patches ministack and serves it; SIGTERM and SIGINT end the process at once.

    The process environment must be that of `environment.emulator_environment` before this is called, because
    ministack reads it when it is imported.

    Args:
        settings: The instance.

    Raises:
        IncompatibleMinistackError: When ministack is not the version the patches need.
        PortInUseError: When the port is taken.
    """
    check()
    check_port(settings.port)
    settings.home.mkdir(parents=True, exist_ok=True)
    os.environ[worker.RUNTIME_LIBRARY] = str(runtime_library(settings.temporary / "runtime-library"))
    for patch in patches(settings):
        patch()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop(settings))
    asyncio.run(_serve(settings.port))


async def _serve(port: int) -> None:
    """Runs the web server for ever."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = "WARNING"
    application: Any = gateway(require("app", "app"))
    await hypercorn_serve(application, config, shutdown_trigger=asyncio.Event().wait)


def stop(settings: EmulatorSettings) -> None:
    """Ends the functions' processes, removes temporary files and ends this process."""
    end = require("core.lambda_runtime", "_signal")
    for entries in list(require("core.lambda_runtime", "_workers").values()):
        for entry in entries:
            with contextlib.suppress(OSError):
                end(entry._proc)
    shutil.rmtree(settings.temporary, ignore_errors=True)
    os._exit(0)
