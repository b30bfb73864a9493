"""Lambda in the emulator: isolation, failures, quotas, telemetry."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.embedded

FAILURES = """
    import os, time
    class LedgerError(Exception): pass
    calls = 0
    def handler(event, context):
        global calls
        calls += 1
        mode = (event or {}).get("mode")
        print("mode", mode, "call", calls)
        if mode == "raise": raise LedgerError("out of order")
        if mode == "marshal": return {"x": object()}
        if mode == "exit": os._exit(3)
        if mode == "sleep": time.sleep(event["seconds"])
        if mode == "size": return "x" * event["bytes"]
        return {"calls": calls, "pid": os.getpid(), "arn": context.invoked_function_arn, "env": sorted(os.environ)}
"""


@pytest.fixture(scope="module")
def failing(emulator: Any) -> str:
    emulator.function("failing", FAILURES, Timeout=2)
    return "failing"


@pytest.mark.parametrize(
    ("event", "error_type", "message"),
    [
        ({"mode": "raise"}, "LedgerError", "out of order"),
        ({"mode": "marshal"}, "Runtime.MarshalError", "not JSON serializable"),
        ({"mode": "exit"}, "Runtime.ExitError", "Runtime exited"),
        ({"mode": "sleep", "seconds": 5}, "Sandbox.Timedout", "timed out after 2"),
    ],
)
def test_failure_carries_its_own_name(
    emulator: Any, failing: str, event: dict[str, Any], error_type: str, message: str
) -> None:
    response, body = emulator.invoke(failing, event)
    assert response["FunctionError"] == "Unhandled"
    assert body["errorType"] == error_type
    assert message in body["errorMessage"]


def test_exception_keeps_the_process_and_reports_the_stack(emulator: Any, failing: str) -> None:
    _, before = emulator.invoke(failing, {})
    _, failure = emulator.invoke(failing, {"mode": "raise"})
    _, after = emulator.invoke(failing, {})
    assert after["pid"] == before["pid"]
    assert after["calls"] == before["calls"] + 2
    assert any("index.py" in frame and "raise LedgerError" in frame for frame in failure["stackTrace"])


def test_time_out_ends_what_the_function_started(emulator: Any, tmp_path: Path) -> None:
    code = """
        import subprocess, time
        def handler(event, context):
            child = subprocess.Popen(["sleep", "60"])
            open(event["path"], "w").write(str(child.pid))
            time.sleep(30)
    """
    emulator.function("spawns", code, Timeout=2)
    _, body = emulator.invoke("spawns", {"path": str(tmp_path / "pid")})
    assert body["errorType"] == "Sandbox.Timedout"
    process = Path("/proc", (tmp_path / "pid").read_text(), "cmdline")
    for _ in range(100):
        if not process.exists() or not process.read_bytes():
            return
        time.sleep(0.05)
    pytest.fail(f"{process} still runs")


@pytest.mark.parametrize(
    ("name", "code", "error_type"),
    [
        ("no-module", "import surely_absent\ndef handler(e, c): pass", "Runtime.ImportModuleError"),
        ("no-bundle", "import msgspec\ndef handler(e, c): pass", "Runtime.ImportModuleError"),
        ("no-own-code", "import rft_local\ndef handler(e, c): pass", "Runtime.ImportModuleError"),
        ("no-syntax", "def handler(e, c) pass", "Runtime.UserCodeSyntaxError"),
        ("no-handler", "x = 1", "Runtime.HandlerNotFound"),
        ("no-luck", "raise KeyError('settings')", "KeyError"),
    ],
)
def test_import_failure_is_named_as_in_the_real_runtime(emulator: Any, name: str, code: str, error_type: str) -> None:
    emulator.function(name, code)
    for _ in range(2):
        response, body = emulator.invoke(name)
        assert response["FunctionError"] == "Unhandled"
        assert body["errorType"] == error_type


def test_included_libraries_and_clean_environment(emulator: Any) -> None:
    code = """
        import os, sys, boto3
        def handler(event, context):
            who = boto3.client("sts").get_caller_identity()["Arn"]
            return {"who": who, "env": dict(os.environ), "path": sys.path}
    """
    emulator.function("includes", code, Environment={"Variables": {"LOG_LEVEL": "INFO"}})
    _, body = emulator.invoke("includes")
    assert body["who"].endswith("assumed-role/includes-role/includes")
    assert body["env"]["LOG_LEVEL"] == "INFO"
    assert body["env"]["HOME"] == str(emulator.state / "home")
    assert "host" not in json.dumps({k: v for k, v in body["env"].items() if k.startswith(("AWS_", "HOST", "PYTHON"))})
    assert not [name for name in body["env"] if name in ("AUTH", "GATEWAY_PORT", "PYTHONPATH", "HOST_TOKEN")]
    assert not [path for path in body["path"] if "site-packages" in path]


def test_log_is_complete_and_reaches_the_group(emulator: Any) -> None:
    code = """
        import os, subprocess, sys
        def handler(event, context):
            for i in range(300): print("line", i)
            subprocess.run([sys.executable, "-c", "print('from a child')"])
            print("last", file=sys.stderr)
    """
    emulator.function("talks", code)
    emulator.invoke("talks")
    events = emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/talks", limit=1000)["events"]
    start, *lines, end, report = [event["message"] for event in events]
    assert lines == [*(f"line {number}" for number in range(300)), "from a child", "last"]
    assert (start.split()[0], end.split()[0], report.split()[0]) == ("START", "END", "REPORT")


def test_without_permission_there_is_no_log_and_no_embedded_metric(emulator: Any) -> None:
    emulator.function("mute", EMBEDDED, logs=False)
    emulator.invoke("mute", {"run": "mute"})
    groups = emulator.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/mute")["logGroups"]
    assert groups == []
    assert emulator.metric("Probe", "reward", Run="mute") == []


def test_the_basic_execution_role_of_aws_may_log(emulator: Any) -> None:
    emulator.function("basic", "def handler(e, c): print('heard')", logs=False)
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    emulator.client("iam").attach_role_policy(RoleName="basic-role", PolicyArn=policy)
    emulator.invoke("basic")
    events = emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/basic")["events"]
    assert "heard" in [event["message"] for event in events]


EMBEDDED = """
    import json, time
    def handler(event, context):
        run = event["run"]
        directive = {"Namespace": "Probe", "Dimensions": [["Environment", "Reward"], ["Run"]],
                     "Metrics": [{"Name": "reward", "Unit": "None"}, {"Name": "invalid", "Unit": "Count"},
                                 {"Name": "length"}]}
        print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
                          "Environment": "test", "Reward": run, "Run": run, "invalid": 2,
                          "reward": [0.0, 0.5, 1.0], "length": {"Values": [10, 20], "Counts": [3, 1]}}))
"""


def test_embedded_metrics_are_stored_under_every_dimension_set(emulator: Any) -> None:
    emulator.function("embeds", EMBEDDED)
    emulator.invoke("embeds", {"run": "r1"})
    for dimensions in ({"Environment": "test", "Reward": "r1"}, {"Run": "r1"}):
        assert emulator.metric("Probe", "invalid", **dimensions) == [2]
        assert emulator.metric("Probe", "reward", "Average", **dimensions) == [0.5]
        assert emulator.metric("Probe", "reward", "p50", **dimensions) == [0.5]
        assert emulator.metric("Probe", "length", "SampleCount", **dimensions) == [4]
        assert emulator.metric("Probe", "length", "Sum", **dimensions) == [50]
    assert emulator.metric("Probe", "reward") == []


def test_every_invocation_is_measured(emulator: Any, failing: str) -> None:
    client = emulator.client("lambda")
    version = client.publish_version(FunctionName=failing)["Version"]
    client.create_alias(FunctionName=failing, Name="measured", FunctionVersion=version)
    resource = {"FunctionName": failing, "Resource": f"{failing}:measured"}
    before = (emulator.metric("AWS/Lambda", "Invocations", FunctionName=failing) or [0])[0]
    emulator.invoke(f"{failing}:measured", {})
    emulator.invoke(f"{failing}:measured", {"mode": "raise"})
    assert emulator.metric("AWS/Lambda", "Invocations", **resource) == [2]
    assert emulator.metric("AWS/Lambda", "Errors", **resource) == [1]
    assert emulator.metric("AWS/Lambda", "Invocations", FunctionName=failing) == [before + 2]


def test_concurrent_invocations_run_side_by_side(emulator: Any) -> None:
    code = "import os, time\ndef handler(e, c):\n    time.sleep(0.3)\n    return os.getpid()"
    emulator.function("parallel", code)
    with ThreadPoolExecutor(4) as pool:
        pids = [body for _, body in pool.map(lambda _: emulator.invoke("parallel"), range(4))]
    assert len(set(pids)) == 4


def test_reserved_concurrency_throttles(emulator: Any) -> None:
    emulator.function("reserved", "def handler(e, c): return 1")
    client = emulator.client("lambda")
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName="reserved")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert emulator.metric("AWS/Lambda", "Throttles", FunctionName="reserved") == [1]
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    assert emulator.invoke("reserved")[1] == 1


def test_referenced_version_cannot_be_deleted(emulator: Any) -> None:
    emulator.function("versions", "def handler(e, c): return 1")
    client = emulator.client("lambda")
    version = client.publish_version(FunctionName="versions")["Version"]
    client.create_alias(FunctionName="versions", Name="run-1", FunctionVersion=version)
    with pytest.raises(client.exceptions.ResourceConflictException) as caught:
        client.delete_function(FunctionName="versions", Qualifier=version)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    client.delete_alias(FunctionName="versions", Name="run-1")
    client.delete_function(FunctionName="versions", Qualifier=version)


def test_reading_an_alias_is_not_deleting_it(emulator: Any) -> None:
    arn = emulator.function("aliased", "def handler(e, c): return 1")
    root = emulator.client("lambda")
    version = root.publish_version(FunctionName="aliased")["Version"]
    root.create_alias(FunctionName="aliased", Name="live", FunctionVersion=version)
    reads = {"Action": "lambda:GetAlias", "Resource": arn}
    client = emulator.client("lambda", **emulator.session("alias-reader", [reads]))
    assert client.get_alias(FunctionName="aliased", Name="live")["FunctionVersion"] == version
    with pytest.raises(ClientError, match="lambda:DeleteAlias"):
        client.delete_alias(FunctionName="aliased", Name="live")
    with pytest.raises(ClientError, match="lambda:UpdateAlias"):
        client.update_alias(FunctionName="aliased", Name="live", Description="x")


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
def test_request_quota(emulator: Any, failing: str, kind: str, limit: int) -> None:
    client = emulator.client("lambda")
    frame = len(json.dumps({"pad": ""}))
    fits = json.dumps({"pad": "x" * (limit - frame)}).encode()
    assert client.invoke(FunctionName=failing, InvocationType=kind, Payload=fits)["StatusCode"] in (200, 202)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName=failing, InvocationType=kind, Payload=fits + b" ")
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_response_quota(emulator: Any, failing: str) -> None:
    response, body = emulator.invoke(failing, {"mode": "size", "bytes": 6 * 1024 * 1024})
    assert "FunctionError" not in response
    assert len(body) == 6 * 1024 * 1024
    response, body = emulator.invoke(failing, {"mode": "size", "bytes": 6 * 1024 * 1024 + 200})
    assert response["FunctionError"] == "Unhandled"
    assert body["errorType"] == "Function.ResponseSizeTooLarge"


def test_asynchronous_failure_reaches_the_destination_of_its_alias(emulator: Any, failing: str) -> None:
    sqs, client = emulator.client("sqs"), emulator.client("lambda")
    queue = sqs.create_queue(QueueName="failed-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    version = client.publish_version(FunctionName=failing, Description="async")["Version"]
    client.create_alias(FunctionName=failing, Name="async", FunctionVersion=version)
    client.put_function_event_invoke_config(
        FunctionName=failing,
        Qualifier="async",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    client.invoke(FunctionName=f"{failing}:async", InvocationType="Event", Payload=b'{"mode": "raise"}')
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)
    assert "LedgerError" in received["Messages"][0]["Body"]
