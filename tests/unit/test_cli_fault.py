"""`rft local fault`: what it orders, and what it tells."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from rft_cli.main import main
from rft_local import lifecycle
from rft_local.emulator.faults import Fault, Faults
from rft_local.process import Process
from rft_local.state import LocalState


class Embedded(ThreadingHTTPServer):
    """Stands for both processes: takes faults as the emulator does, and notes what else arrives."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.accidents: list[Any] = []
        super().__init__(("127.0.0.1", 0), Answers)


class Answers(BaseHTTPRequestHandler):
    server: Embedded

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer: dict[str, Any] = {}
        if self.path == "/accidents":
            self.server.accidents.append(json.loads(body))
        elif self.command == "POST":
            answer = {
                "numbers": [self.server.faults.add(fault) for fault in msgspec.json.decode(body, type=list[Fault])]
            }
        elif self.command == "DELETE":
            self.server.faults.clear(json.loads(body)["numbers"])
        else:
            answer = {"faults": self.server.faults.listed()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(msgspec.json.encode(answer))

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    server = Embedded()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    nobody = Process("emulator", 1, "never")
    state = LocalState(port=server.server_port, bedrock_port=server.server_port, emulator=nobody, bedrock=nobody)
    monkeypatch.setattr(lifecycle, "running", lambda project: state)
    yield server
    server.shutdown()
    server.server_close()


def test_faults_are_ordered_listed_and_lifted(embedded: Embedded, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["bedrock:CreateModelCustomizationJob", "ThrottlingException", "--times", "3", "--caller", "TrainStart"]
    assert main(["local", "fault", *asked, "--json"]) == 0
    (ordered,) = json.loads(capsys.readouterr().out)
    assert ordered["fault"] == {
        "operation": "bedrock:CreateModelCustomizationJob",
        "error": "ThrottlingException",
        "message": "ordered by rft local fault",
        "caller": "TrainStart",
        "times": 3,
        "delay_seconds": 0.0,
    }
    embedded.faults.strike("bedrock:CreateModelCustomizationJob", "a/HandlersTrainStart/b")
    assert main(["local", "fault"]) == 0
    assert "CreateModelCustomizationJob refuse ThrottlingException, struck 1" in capsys.readouterr().out
    assert main(["local", "fault", "--lift"]) == 0
    assert capsys.readouterr().out == "No call is ordered to fail.\n"


def test_times_0_is_always(embedded: Embedded) -> None:
    assert main(["local", "fault", "s3:*", "SlowDown", "--times", "0"]) == 0
    assert all(embedded.faults.strike("s3:PutObject", "anybody") for _ in range(100))


def test_a_job_is_ordered_to_fail(embedded: Embedded, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "fault", "job/local-run-1", "Failed", "--message", "no capacity"]) == 0
    assert embedded.accidents == [
        {"resource": "job", "name": "local-run-1", "ends": "Failed", "message": "no capacity"}
    ]
    assert "the next job local-run-1 comes to Failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["PutObject"], "error: PutObject: operation: got 'PutObject', wanted service:Operation"),
        (["s3:PutObject", "x", "--effect", "explode"], "error: s3:PutObject: Invalid enum value 'explode'"),
        (["job/a", "Active"], "error: job/a: ends: got 'Active' for a job, wanted Failed, Stopped"),
        (["model/a", "Failed"], "error: model/a: Invalid enum value 'model'"),
    ],
)
def test_what_is_no_fault_is_refused(
    embedded: Embedded, capsys: pytest.CaptureFixture[str], asked: list[str], says: str
) -> None:
    assert main(["local", "fault", *asked]) == 1
    assert capsys.readouterr().err.startswith(says)


def test_nothing_can_fail_where_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lifecycle, "running", lambda project: None)
    assert main(["local", "fault"]) == 1
    assert capsys.readouterr().err.startswith("error: the embedded AWS does not run")
