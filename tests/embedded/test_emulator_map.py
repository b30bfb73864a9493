"""Distributed Map in the emulator: reader, selector, batcher, tolerance, writer, in both query languages."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

pytestmark = pytest.mark.embedded

BUCKET = "map-bucket"
READS = {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
WRITES = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/results/*"}
COUNT = """
    def handler(event, context):
        items = event.get("Items", [event])
        if any(item.get("bad") for item in items): raise ValueError("bad item")
        return {"ids": [item["id"] for item in items], "input": event.get("BatchInput"), "extra": event.get("extra")}
"""


@pytest.fixture(scope="module")
def count(emulator: Any) -> str:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    lines = [json.dumps({"id": number, "bad": number == 4}) for number in range(5)]
    s3.put_object(Bucket=BUCKET, Key="items.jsonl", Body="\n".join(lines).encode())
    return str(emulator.function("count", COUNT))


def invokes(arn: str) -> dict[str, Any]:
    return {"Action": "lambda:InvokeFunction", "Resource": arn}


def definition(arn: str, **fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Task", "Resource": arn, "End": True}},
    }
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": BUCKET, "Key.$": "$.key"},
    }
    state = {"Type": "Map", "ItemProcessor": processor, "ItemReader": reader, "End": True, **fields}
    return {"StartAt": "M", "States": {"M": state}}


def test_batches_selected_items_and_writes_results(emulator: Any, count: str) -> None:
    fields = {
        "MaxConcurrency": 2,
        "ItemSelector": {"id.$": "$$.Map.Item.Value.id", "index.$": "$$.Map.Item.Index"},
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"run.$": "$.run"}},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": BUCKET, "Prefix": "results"},
        },
        "ResultPath": "$.written",
    }
    machine = emulator.machine("map-batches", definition(count, **fields), [READS, WRITES, invokes(count)])
    ended = emulator.run(machine, {"key": "items.jsonl", "run": "r1"})
    output = json.loads(ended["output"])
    details = output["written"]["ResultWriterDetails"]
    s3, client = emulator.client("s3"), emulator.client("stepfunctions")
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=details["Key"])["Body"].read())
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    rows = json.loads(s3.get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read())
    assert sorted(json.loads(row["Output"])["ids"] for row in rows) == [[0, 1], [2, 3], [4]]
    assert all(json.loads(row["Output"])["input"] == {"run": "r1"} for row in rows)
    assert output["run"] == "r1"
    described = client.describe_map_run(mapRunArn=output["written"]["MapRunArn"])
    assert (described["status"], described["itemCounts"]["succeeded"]) == ("SUCCEEDED", 3)
    history = client.get_execution_history(executionArn=ended["executionArn"])["events"]
    assert [event["type"] for event in history if event["type"].startswith("Map")] == [
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
    ]


@pytest.mark.parametrize(("percentage", "status"), [(20, "SUCCEEDED"), (19, "FAILED"), (None, "FAILED")])
def test_tolerated_failures(emulator: Any, count: str, percentage: int | None, status: str) -> None:
    fields = {} if percentage is None else {"ToleratedFailurePercentage": percentage}
    name = f"map-tolerates-{percentage}"
    ended = emulator.run(
        emulator.machine(name, definition(count, **fields), [READS, invokes(count)]), {"key": "items.jsonl"}
    )
    assert ended["status"] == status
    if status == "FAILED":
        assert ended["error"] == "States.ExceedToleratedFailureThreshold"
        history = emulator.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
        assert [event["type"] for event in history][-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    else:
        assert [row["ids"] if row else None for row in json.loads(ended["output"])] == [[0], [1], [2], [3], None]


def test_reader_needs_the_object_and_the_permission(emulator: Any, count: str) -> None:
    missing = emulator.machine("map-missing", definition(count), [READS, invokes(count)])
    assert emulator.run(missing, {"key": "nothing.jsonl"})["error"] == "States.ItemReaderFailed"
    forbidden = emulator.machine("map-forbidden", definition(count), [invokes(count)])
    ended = emulator.run(forbidden, {"key": "items.jsonl"})
    assert (ended["error"], "AccessDenied" in ended["cause"]) == ("States.ItemReaderFailed", True)


def test_writer_needs_the_permission(emulator: Any, count: str) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": BUCKET, "Prefix": "results"}}
    fields = {"ToleratedFailureCount": 1, "ResultWriter": writer}
    machine = emulator.machine("map-no-writer", definition(count, **fields), [READS, invokes(count)])
    assert emulator.run(machine, {"key": "items.jsonl"})["error"] == "States.ResultWriterFailed"


def test_jsonata_evaluates_every_part(emulator: Any, count: str) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": count, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
    }
    made = definition(
        count,
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "items.jsonl"},
        },
        ItemSelector={"id": "{% $states.context.Map.Item.Value.id %}", "extra": "{% $states.input.extra %}"},
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.size %}", "BatchInput": {"n": "{% $states.input.size %}"}},
        ToleratedFailurePercentage="{% 50 %}",
        ResultWriter={
            "Resource": "arn:aws:states:::s3:putObject",
            "Arguments": {"Bucket": "{% $states.input.bucket %}", "Prefix": "results"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
        },
        Output="{% $states.result.ResultWriterDetails.Key %}",
    )
    made["QueryLanguage"] = "JSONata"
    made["States"]["M"]["ItemProcessor"]["States"]["One"] = task
    machine = emulator.machine("map-jsonata", made, [READS, WRITES, invokes(count)])
    ended = emulator.run(machine, {"bucket": BUCKET, "size": 3, "extra": "e"})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    s3 = emulator.client("s3")
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=json.loads(ended["output"]))["Body"].read())
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    assert file["Key"].endswith(".jsonl")
    lines = s3.get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read().decode().splitlines()
    assert [json.loads(line)["ids"] for line in lines] == [[0, 1, 2], [3, 4]]
    assert json.loads(lines[0])["input"] == {"n": 3}


def test_stopping_the_parent_aborts_waiting_children(emulator: Any) -> None:
    arn = emulator.function("naps", "import time\ndef handler(e, c):\n    time.sleep(0.4)\n    return 1")
    made = definition(arn, MaxConcurrency=1)
    made["States"]["M"].pop("ItemReader")
    machine = emulator.machine("map-stops", made, [invokes(arn)])
    client = emulator.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=machine, input=json.dumps(list(range(20))))["executionArn"]
    time.sleep(1)
    client.stop_execution(executionArn=execution)
    time.sleep(1)
    (run,) = client.list_map_runs(executionArn=execution)["mapRuns"]
    counts = client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert counts["aborted"] >= 10
    assert counts["succeeded"] + counts["failed"] + counts["aborted"] == 20
