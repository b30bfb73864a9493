"""An emulator that the Bedrock endpoint talks to: S3, Lambda, IAM and EventBridge over HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Json = Any
Response = tuple[int, dict[str, str], bytes]


def perfect(event: list[dict[str, Json]]) -> Json:
    """A reward function that likes everything."""
    return [{"id": sample["id"], "aggregate_reward_score": 1.0} for sample in event]


@dataclass
class FakeEmulator:
    """An emulator in a thread. Everything is allowed until a test says otherwise.

    Args:
        grade: The reward function's code.
        denied: Actions that IAM refuses, such as `iam:PassRole` or `s3:PutObject`.
        trust: Why the role cannot be assumed; empty when it can.
    """

    grade: Callable[[list[dict[str, Json]]], Json] = perfect
    denied: set[str] = field(default_factory=set)
    trust: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    events: list[dict[str, Json]] = field(default_factory=list)
    graded: list[list[dict[str, Json]]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    questions: list[dict[str, Json]] = field(default_factory=list)
    sessions: list[dict[str, Json]] = field(default_factory=list)
    url: str = ""

    def put_rows(self, name: str, count: int, **fields: Json) -> None:
        """Put a dataset into the bucket `data`."""
        lines = [
            json.dumps({"messages": [{"role": "user", "content": f"question {row}"}], "rft": {"row": row}, **fields})
            for row in range(count)
        ]
        self.objects[f"/data/{name}"] = ("\n".join(lines) + "\n").encode()

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        """Answer one request."""
        self.requests.append((method, path))
        if path == "/_rft/simulate":
            question = json.loads(body)
            self.questions.append(question)
            allowed = question["action"] not in self.denied
            return _json(200, {"allowed": allowed, "reason": "" if allowed else "no policy allows it"})
        if path == "/_rft/service-session":
            self.sessions.append(json.loads(body))
            if self.trust:
                return _json(403, {"reason": self.trust})
            keys = {"access_key_id": "ASIAROLE", "secret_access_key": "s", "session_token": "t"}
            return _json(200, keys)
        if path == "/_rft/service-event":
            self.events.append(json.loads(body))
            return _json(200, {})
        if path.startswith("/2015-03-31/functions/"):
            return self._function(headers, body)
        return self._object(method, path, headers, body)

    def _function(self, headers: dict[str, str], body: bytes) -> Response:
        if "lambda:InvokeFunction" in self.denied:
            return 403, {"x-amzn-errortype": "AccessDeniedException"}, b'{"Message": "not authorized to invoke"}'
        if headers.get("x-amz-invocation-type") == "DryRun":
            return 204, {}, b""
        event = json.loads(body)
        self.graded.append(event)
        try:
            return _json(200, self.grade(event))
        except Exception as error:
            fault = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return 200, {"x-amz-function-error": "Unhandled"}, json.dumps(fault).encode()

    def _object(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        action = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}[method]
        if action in self.denied and "ASIAROLE" in headers.get("authorization", ""):
            return 403, {}, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        if method == "PUT":
            self.objects[path] = body
        elif method == "DELETE":
            self.objects.pop(path, None)
        elif path not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
        return 200, {}, self.objects[path] if method == "GET" else b""


def _json(status: int, value: Json) -> Response:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away when a test ends."""


@contextmanager
def running(emulator: FakeEmulator) -> Iterator[FakeEmulator]:
    """Serve a fake emulator."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = unquote(urlsplit(self.path).path)
            status, sent, payload = emulator.respond(self.command, path, headers, body)
            self.send_response(status)
            for name, value in sent.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    server = _QuietServer(("127.0.0.1", 0), Handler)
    emulator.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield emulator
    server.shutdown()
    server.server_close()
