"""The HTTP server around the endpoint."""

import logging
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.service_model import HttpRequest
from rft_local.port import HOST

logger = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """Serves one endpoint on the loopback interface; one thread a connection.

    Args:
        port: TCP port; 0 takes a free one.
        endpoint: What answers.

    Raises:
        OSError: When the port cannot be used.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away; log the rest."""
        if not isinstance(sys.exception(), ConnectionError):
            logger.exception("connection from %s", client_address)

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{HOST}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    """Carries requests to the endpoint and answers back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def answer(self) -> None:
        """Answer one request."""
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = HttpRequest(self.command, self.path, headers, self.rfile.read(length))
        response = self.server.endpoint.answer(request)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("x-amzn-requestid", str(uuid.uuid4()))
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        """Write no line a request: polls would drown everything else."""
