"""Transport patch: plain HTTP on the loopback interface."""

from __future__ import annotations

import ipaddress
from typing import Any

from rft_local.emulator.upstream import wrap


def count_loopback_as_tls() -> None:
    """Lets `aws:SecureTransport` hold for requests from this machine.

    Gap: the emulator speaks plain HTTP, so that every bucket policy that enforces TLS would deny everything.
    AWS: endpoints are reached over TLS (S3 User Guide, "Protecting data in transit with encryption"). Nothing on the
    loopback interface can be read on the way; a request from elsewhere keeps its real transport.
    """

    def pin(original: Any, source: str, secure: bool) -> Any:
        try:
            loopback = ipaddress.ip_address(source).is_loopback
        except ValueError:
            loopback = False
        return original(source, secure or loopback)

    wrap("app", "pin_request_origin", pin)
