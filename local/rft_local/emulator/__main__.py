"""Command line of the emulator: `python -m rft_local.emulator --port N --bedrock-url URL --state DIR`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rft_local.emulator.environment import AUTHORIZATION_LOG, EmulatorSettings, emulator_environment
from rft_local.emulator.undocumented import Undocumented


def main(arguments: Sequence[str]) -> int:
    """Starts the emulator in this process.

    Args:
        arguments: Command-line arguments without the program's name.

    Returns:
        The exit status; a problem is one line on stderr.
    """
    parser = argparse.ArgumentParser(prog="rft_local.emulator", description="The embedded AWS on this machine.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    parser.add_argument("--bedrock-url", required=True, help="base URL of the endpoint that answers for Bedrock")
    parser.add_argument("--state", type=Path, required=True, help="directory of this instance")
    Undocumented.add_options(parser)
    options = parser.parse_args(arguments)
    log = os.environ.get(AUTHORIZATION_LOG)
    settings = EmulatorSettings(
        options.port,
        options.bedrock_url.rstrip("/"),
        options.state.resolve(),
        Path(log) if log else None,
        Undocumented.from_options(options),
    )
    settings.temporary.mkdir(parents=True, exist_ok=True)
    clean = emulator_environment(settings, os.environ)
    os.environ.clear()
    os.environ.update(clean)
    tempfile.tempdir = None
    # Imported only now: ministack reads the environment when it is imported.
    from rft_local.emulator.server import PortInUseError, serve
    from rft_local.emulator.upstream import IncompatibleMinistackError

    try:
        serve(settings)
    except (IncompatibleMinistackError, PortInUseError, OSError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
