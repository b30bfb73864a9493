"""CloudWatch in the emulator: queries with expressions, and alarms."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.embedded

NOW = int(time.time()) // 60 * 60 - 600


@pytest.fixture(scope="module")
def series(emulator: Any) -> Any:
    """Rewards of two runs over three minutes; the second run misses one minute."""
    client = emulator.client("cloudwatch")
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Run", "Value": run}],
            "Timestamp": NOW + minute * 60,
            "Values": [float(value) for value in values],
        }
        for run, name, minute, values in [
            ("a", "reward", 0, [0, 10]),
            ("a", "reward", 1, [20, 40]),
            ("a", "reward", 2, [100]),
            ("b", "reward", 0, [1]),
            ("b", "reward", 2, [3]),
            ("a", "calls", 0, [4]),
            ("a", "calls", 2, [5]),
        ]
    ]
    client.put_metric_data(Namespace="Series", MetricData=data)
    client.put_metric_data(Namespace="Series", MetricData=[{"MetricName": "reward", "Timestamp": NOW, "Value": 999.0}])
    return client


def stat(identifier: str, name: str, statistic: str, run: str, **fields: Any) -> dict[str, Any]:
    metric = {"Namespace": "Series", "MetricName": name, "Dimensions": [{"Name": "Run", "Value": run}]}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}, **fields}


def query(client: Any, *queries: dict[str, Any], **options: Any) -> list[tuple[str, str, list[float]]]:
    answer = client.get_metric_data(
        MetricDataQueries=list(queries), StartTime=NOW, EndTime=NOW + 180, **{"ScanBy": "TimestampAscending", **options}
    )
    return [(result["Id"], result["Label"], result["Values"]) for result in answer["MetricDataResults"]]


def test_search_finds_one_series_for_each_metric(series: Any) -> None:
    found = query(series, {"Id": "s", "Expression": "SEARCH('{Series,Run} MetricName=\"reward\"', 'Maximum', 60)"})
    assert found == [("s", "reward a", [10, 40, 100]), ("s", "reward b", [1, 3])]
    one = query(series, {"Id": "s", "Expression": "SEARCH('{Series,Run} MetricName=\"reward\" Run=\"b\"', 'Sum', 60)"})
    assert one == [("s", "reward b", [1, 3])]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("r / c", [2.5, 20]),
        ("100 * (r + 10) / c", [500, 2200]),
        ("FILL(c, 0)", [4, 0, 5]),
        ("r / FILL(c, 1)", [2.5, 60, 20]),
        ("r / FILL(c, 0)", [2.5, 20]),
        ("SUM(METRICS())", [14, 60, 105]),
        ("AVG([r, c])", [7, 60, 52.5]),
        ("MAX(METRICS())", [10, 60, 100]),
        ("r - MIN(r)", [0, 50, 90]),
        ("IF(r > 50, 1, 0)", [0, 1, 1]),
        ("RUNNING_SUM(c)", [4, 9]),
        ("-c * 2", [-8, -10]),
    ],
)
def test_metric_math(series: Any, expression: str, values: list[float]) -> None:
    metrics = [stat("r", "reward", "Sum", "a", ReturnData=False), stat("c", "calls", "Sum", "a", ReturnData=False)]
    ((_, _, found),) = query(series, *metrics, {"Id": "e", "Expression": expression})
    assert found == pytest.approx(values)


def test_newest_first_and_percentiles_and_exact_dimensions(series: Any) -> None:
    ((_, _, values),) = query(series, stat("p", "reward", "p90", "a"), ScanBy="TimestampDescending")
    assert values == pytest.approx([100, 38, 9])
    metric = {"Namespace": "Series", "MetricName": "reward"}
    nothing = {"Id": "n", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    assert query(series, nothing) == [("n", "reward", [999])]


@pytest.mark.parametrize("expression", ["r +", "MEDIAN(r)", "unknown", "FILL(r, r)", "r $ 2"])
def test_a_wrong_expression_is_refused(series: Any, expression: str) -> None:
    with pytest.raises(ClientError) as caught:
        query(series, stat("r", "reward", "Sum", "a"), {"Id": "e", "Expression": expression})
    assert "ValidationError" in caught.value.response["Error"]["Code"]


def test_no_datapoint_is_lost_between_queries(emulator: Any) -> None:
    code = """
        import json, time
        def handler(event, context):
            metrics = [{"Name": "n"}]
            directive = {"Namespace": "Kept", "Dimensions": [[]], "Metrics": metrics}
            for _ in range(20):
                now = int(time.time() * 1000)
                print(json.dumps({"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "n": [1] * 50}))
    """
    emulator.function("keeps", code)
    client = emulator.client("cloudwatch")
    datum = {"MetricName": "n", "Values": [float(value) for value in range(100)], "Counts": [1.0] * 100}
    for _ in range(4):
        client.put_metric_data(Namespace="Kept", MetricData=[datum] * 600)
    with ThreadPoolExecutor(3) as pool:
        invoked = [pool.submit(emulator.invoke, "keeps") for _ in range(30)]
        while not all(future.done() for future in invoked):
            client.describe_alarms(AlarmNames=["none"])
    assert emulator.metric("Kept", "n", "SampleCount") == [4 * 600 * 100 + 30 * 20 * 50]


def alarm(client: Any, name: str, **fields: Any) -> None:
    defaults = {
        "Namespace": "Alarms",
        "MetricName": name,
        "Dimensions": [{"Name": "Run", "Value": "a"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 2.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    client.put_metric_alarm(AlarmName=name, **{**defaults, **fields})


def put(client: Any, name: str, value: float, run: str = "a", ago: float = 0) -> None:
    datum = {"MetricName": name, "Dimensions": [{"Name": "Run", "Value": run}], "Value": value}
    client.put_metric_data(Namespace="Alarms", MetricData=[{**datum, "Timestamp": time.time() - ago}])


def state(client: Any, name: str) -> str:
    (found,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [("notBreaching", "OK"), ("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA")],
)
def test_missing_data(emulator: Any, treatment: str, expected: str) -> None:
    client = emulator.client("cloudwatch")
    alarm(client, f"missing-{treatment}", TreatMissingData=treatment)
    assert state(client, f"missing-{treatment}") == expected


def test_alarm_watches_its_own_dimensions(emulator: Any) -> None:
    client = emulator.client("cloudwatch")
    alarm(client, "own", TreatMissingData="notBreaching")
    put(client, "own", 5, run="b")
    assert state(client, "own") == "OK"
    put(client, "own", 5)
    assert state(client, "own") == "ALARM"


def test_datapoints_to_alarm(emulator: Any) -> None:
    client = emulator.client("cloudwatch")
    alarm(client, "two-of-three", EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching")
    put(client, "two-of-three", 5, ago=130)
    assert state(client, "two-of-three") == "OK"
    put(client, "two-of-three", 5)
    assert state(client, "two-of-three") == "ALARM"


def test_alarm_on_an_expression(emulator: Any) -> None:
    client = emulator.client("cloudwatch")

    def metric(name: str) -> dict[str, Any]:
        dimensions = [{"Name": "Run", "Value": "a"}]
        wanted = {"Namespace": "Alarms", "MetricName": name, "Dimensions": dimensions}
        return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": wanted, "Period": 60, "Stat": "Sum"}}

    client.put_metric_alarm(
        AlarmName="share",
        Metrics=[metric("invalid"), metric("graded"), {"Id": "e", "Expression": "100 * invalid / graded"}],
        EvaluationPeriods=1,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    put(client, "graded", 100)
    put(client, "invalid", 4)
    assert state(client, "share") == "OK"
    put(client, "invalid", 4)
    assert state(client, "share") == "ALARM"


def test_actions_and_event_of_an_alarm_fired_by_an_execution(emulator: Any) -> None:
    client, sns, sqs = emulator.client("cloudwatch"), emulator.client("sns"), emulator.client("sqs")
    machine = emulator.machine("alarming", {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}})
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    principals = ["events.amazonaws.com", "sns.amazonaws.com"]
    policy = {"Effect": "Allow", "Principal": {"Service": principals}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [policy]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    events = emulator.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["failed"], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "q", "Arn": arn}])
    alarm(
        client,
        "failed",
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
        Threshold=1.0,
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )
    emulator.run(machine)
    bodies: list[dict[str, Any]] = []
    for _ in range(5):
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        bodies += [json.loads(message["Body"]) for message in found]
        if len(bodies) >= 2:
            break
    (told,) = [json.loads(body["Message"]) for body in bodies if "Message" in body]
    assert (told["AlarmName"], told["NewStateValue"]) == ("failed", "ALARM")
    (event,) = [body for body in bodies if "detail" in body]
    assert event["detail"]["previousState"]["value"] == "OK"
