"""A TCP port of the loopback interface, and who holds it."""

import socket
from pathlib import Path

from rft_local.local_error import LocalError

HOST = "127.0.0.1"


def check_port(port: int, option: str) -> None:
    """Check that a server of ours can listen on a port.

    Args:
        port: The port.
        option: The command line's option that chooses another.

    Raises:
        LocalError: When something listens there already or the port is not ours to take.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except (OSError, OverflowError) as error:
            holder = port_holder(port)
            who = f" by {holder}" if holder else f" ({error.strerror})" if isinstance(error, OSError) else ""
            raise LocalError(f"port {port} is in use{who}: stop it, or choose another with {option}") from None


def port_holder(port: int) -> str | None:
    """Return who listens on a port, as `name (pid n)`; None where the system does not say."""
    try:
        tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]
    except OSError:
        return None
    sockets = set()
    for line in "\n".join(tables).splitlines():
        fields = line.split()
        if len(fields) > 9 and fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):  # 0A: listening
            sockets.add(f"socket:[{fields[9]}]")
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(entry.readlink()) in sockets:
                process = entry.parent.parent
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return None
