"""The runner as the grader sees it: packing, nonces, and whose fault an error is."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from rft_contract.services import CODE_RUNNER_ARN, CODE_RUNNER_SECONDS
from rft_rewards.code import code
from rft_rewards.deadline import Deadline
from rft_rewards.registry import build_grader
from rft_rewards.runner import Job, Ran, RunnerLost, RunnerUnreachable
from rft_runtime import code_runner
from rft_runtime.code_runner import CodeRunner, LambdaInvoke
from rft_runtime.services import make_services

ARN = "arn:aws:lambda:us-east-1:123456789012:function:runner:7"


def job(program: str = "def f(): return 1") -> Job:
    return Job(program=program, prelude="", entry_point="f", calls=("[]",), observe=False, seconds=1, memory_mib=64)


class Runner:
    """Answers events as the function would."""

    def __init__(self, **changes: object) -> None:
        self.events: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.waits: list[float] = []
        self._changes = changes

    def __call__(self, payload: bytes, seconds: float) -> bytes:
        event = json.loads(payload)
        self.events.append(event)
        self.sizes.append(len(payload))
        self.waits.append(seconds)
        results = [{"answers": [f"v{len(item['program'])}"], "seconds": 0.5} for item in event["jobs"]]
        return json.dumps({"nonce": event["nonce"], "results": results, "strays": 0} | self._changes).encode()


def test_jobs_go_out_in_one_call_and_come_back_in_order() -> None:
    function = Runner()
    found = CodeRunner(function, longest_seconds=60).run([job("a"), job("bbb"), job("cc")], seconds=30)
    assert found == [Ran(("v1",), 0.5), Ran(("v3",), 0.5), Ran(("v2",), 0.5)]
    (event,) = function.events
    assert event["jobs"][1] == job("bbb").to_json()
    assert 3 < event["seconds"] < 30


def test_no_request_passes_6_mb_and_none_is_lost() -> None:
    function = Runner()
    runner = CodeRunner(function, longest_seconds=60)
    sizes = [1_000_000, 3_000_000, 2_000_000, 10, 5_400_000, 10, 10]
    found = runner.run([job("#" * size) for size in sizes], seconds=30)
    assert [ran.answers for ran in found if ran] == [(f"v{size}",) for size in sizes]
    assert [len(event["jobs"]) for event in function.events] == [2, 2, 3]
    assert max(function.sizes) < 6_000_000
    assert runner.calls == 3


def test_without_jobs_the_runner_is_asked_whether_it_answers() -> None:
    function = Runner()
    assert CodeRunner(function, longest_seconds=60).run([], seconds=30) == []
    assert len(function.events) == 1


def test_no_call_is_waited_for_longer_than_the_function_or_its_jobs_can_take() -> None:
    function = Runner()
    CodeRunner(function, longest_seconds=20).run([job()] * 50, seconds=300)
    CodeRunner(function, longest_seconds=900).run([job()] * 50, seconds=300)
    assert function.waits == [20, 60]
    assert [event["seconds"] for event in function.events] == [15, 55]


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "guessed"},
        {"nonce": None},
        {"results": []},
        {"results": None},
        {"results": [{"answers": None, "seconds": 1}]},
        {"results": [{"answers": [], "seconds": "x"}]},
        {"results": ["v1"]},
    ],
)
def test_a_response_that_the_runner_did_not_write_is_no_answer(changes: dict[str, object]) -> None:
    with pytest.raises(RunnerLost):
        CodeRunner(Runner(**changes), longest_seconds=60).run([job()], seconds=30)


def test_every_event_has_a_nonce_of_its_own() -> None:
    function = Runner()
    runner = CodeRunner(function, longest_seconds=60)
    for _ in range(3):
        runner.run([job()], seconds=30)
    assert len({event["nonce"] for event in function.events}) == 3


class Client:
    """A Lambda client that answers as it is told."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, dict)
        return answer


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Invoke")


def answering(*answers: object, monkeypatch: pytest.MonkeyPatch) -> tuple[LambdaInvoke, Client]:
    client = Client(*answers)
    invoke = LambdaInvoke(ARN)
    monkeypatch.setattr(invoke, "_client", lambda seconds: client)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    return invoke, client


def test_the_function_is_invoked_and_throttling_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"Payload": io.BytesIO(b"response")}
    invoke, client = answering(
        client_error("TooManyRequestsException"), client_error("ServiceException"), good, monkeypatch=monkeypatch
    )
    assert invoke(b"event", 30) == b"response"
    assert client.calls[-1] == {"FunctionName": ARN, "Payload": b"event"}
    assert len(client.calls) == 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"Payload": io.BytesIO(b"{}"), "FunctionError": "Unhandled"}, RunnerLost),
        (ReadTimeoutError(endpoint_url="x"), RunnerLost),
        (EndpointConnectionError(endpoint_url="x"), RunnerUnreachable),
        (client_error("AccessDeniedException"), RunnerUnreachable),
        (client_error("ResourceNotFoundException"), RunnerUnreachable),
    ],
)
def test_whose_fault_an_error_is(answer: object, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    # an endpoint that refuses connections is tried again, so it has to refuse for good
    invoke, _ = answering(*[answer] * 2000, monkeypatch=monkeypatch)
    with pytest.raises(error):
        invoke(b"event", 0.1)


def test_a_client_waits_no_longer_than_the_event_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    invoke = LambdaInvoke(ARN)
    configurations: list[Any] = [invoke._client(seconds).meta.config for seconds in (3, 12, 14.9, 61)]
    assert [configuration.read_timeout for configuration in configurations] == [5, 10, 10, 60]
    assert invoke._client(12) is invoke._client(13)


def test_a_function_has_the_services_that_its_variables_name() -> None:
    deadline = Deadline()
    assert make_services({}, deadline=deadline) == {"deadline": deadline}
    services = make_services({CODE_RUNNER_ARN: ARN, CODE_RUNNER_SECONDS: "120"}, deadline=deadline)
    assert isinstance(services["runner"], CodeRunner)
    assert type(build_grader("code", {}, services)) is type(
        code(runner=CodeRunner(Runner(), longest_seconds=1), deadline=deadline)
    )


def test_without_a_runner_the_grader_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="grader code needs runner, which this caller does not offer"):
        build_grader("code", {}, make_services({}, deadline=Deadline()))


def test_loading_this_loads_no_third_party_package() -> None:
    script = "import sys; import rft_runtime.services, rft_runtime.code_runner; print('botocore' in sys.modules)"
    root = str(Path(code_runner.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], env={"PYTHONPATH": root}, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"False"


def test_a_deadline_is_set_anew() -> None:
    deadline = Deadline(0)
    assert deadline.left == 0
    deadline.restart(5)
    assert 4 < deadline.left <= 5
    deadline.restart(-1)
    assert deadline.left == 0
