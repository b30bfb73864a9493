"""The deployed sweeper under its own role: what it ends, what it must not touch, and `rft teardown` after it."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from rft_cli.environment import Environment
from rft_contract.naming import live_alarm_name, release_parameter, reward_alias
from rft_local.project import Project
from rft_runtime.run_record import RunRecord, RunStore
from tests.embedded import deployed
from tests.embedded.deployed import as_function, call, client, environment, model, project, rft, until

__all__ = ["environment", "project"]

pytestmark = deployed.pytestmark

LINE = "ticket-routing"
DAYS = timedelta(days=30)


def run(place: Environment, run_id: str, **values: Any) -> None:
    began = datetime.now(UTC) - DAYS
    execution = place.outputs.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{run_id}"
    fields = {"started": began, "execution_arn": execution, "recipe": {"line": LINE}, **values}
    RunStore(place.bucket).create(RunRecord(run_id=run_id, environment="local", **fields))


def ended(place: Environment, run_id: str, outcome: str) -> None:
    over = datetime.now(UTC) - DAYS
    run(place, run_id, status="ENDED", outcome=outcome, ended=over, closed=over, announced=True)
    RunStore(place.bucket).mark_closed(run_id)


def deploy(place: Environment, name: str, of: str, **tags: str) -> str:
    marks = [{"key": f"rft:{key}", "value": value} for key, value in tags.items()]
    bedrock = client(place, "bedrock")
    made = bedrock.create_custom_model_deployment(modelDeploymentName=name, modelArn=model(of), tags=marks)
    arn = str(made["customModelDeploymentArn"])
    until(lambda: bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)["status"] == "Active")
    return arn


def names(place: Environment, what: str) -> set[str]:
    """Return the names of all models or deployments."""
    bedrock = client(place, "bedrock")
    if what == "models":
        return {found["modelName"] for found in bedrock.list_custom_models()["modelSummaries"]}
    found = bedrock.list_custom_model_deployments()["modelDeploymentSummaries"]
    return {one["customModelDeploymentName"] for one in found}


@pytest.fixture(scope="module")
def place(project: Project, environment: Environment) -> Iterator[Environment]:
    """An environment in which things were left, and things that must stay."""
    record = deployed.record
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployed, "record", lambda name: msgspec.structs.replace(record(name), name=f"local-{name}"))
        deployed.give_models(project, "rejected", "passed", "served")
    for run_id, outcome in (("rejected", "REJECTED"), ("passed", "PASSED"), ("served", "REJECTED")):
        ended(environment, run_id, outcome)
    run(environment, "lost")
    deploy(environment, "local-passed-candidate", "passed", run="passed", environment="local")
    deploy(environment, "local-lost-candidate", "passed", run="lost", environment="local")
    deploy(environment, f"local-{LINE}-live", "served", role="live", line=LINE, environment="local")
    deploy(environment, "local-rejected-candidate", "served", role="live", run="rejected", environment="local")
    functions, reward = client(environment, "lambda"), environment.outputs.rewards["routing"]
    version = functions.get_alias(FunctionName=reward, Name="live")["FunctionVersion"]
    for name in (reward_alias("passed"), reward_alias("lost"), "people"):
        functions.create_alias(FunctionName=reward, Name=name, FunctionVersion=version)
    yield environment


def sweep(place: Environment) -> tuple[str | None, dict[str, Any]]:
    outputs = place.outputs
    asked = {
        "rewards": list(outputs.rewards.values()),
        "close_function": outputs.close_function,
        "keep_releases": outputs.keep_releases,
        "rejected_model_days": outputs.rejected_model_days,
        "stray_minutes": 0,
    }
    return call(place, "SweeperSweep", asked)


def test_the_sweeper_ends_what_was_left_and_nothing_else(place: Environment) -> None:
    time.sleep(1.1)  # the listing is asked for what is older than the sweep, to the second
    error, told = sweep(place)
    assert error is None, told
    reward = place.outputs.rewards["routing"]
    assert told["closing"] == ["lost"]
    assert set(told["removed"]) == {"deployment local-passed-candidate", f"alias {reward}:{reward_alias('passed')}"}
    assert told["models"] == [model("rejected")]
    store = RunStore(place.bucket)
    until(lambda: list(store.open_runs()) == [], 30)
    lost = store.load("lost")
    assert (lost.outcome, lost.reason) == ("FAILED", "its execution does not exist any more")
    assert {name for name in names(place, "models") if name.startswith("local-")} == {"local-passed", "local-served"}
    functions = client(place, "lambda")
    left = {alias["Name"] for alias in functions.list_aliases(FunctionName=reward)["Aliases"]}
    assert {"live", "people"} <= left
    assert reward_alias("passed") not in left


def test_what_is_live_is_denied_to_it_by_iam(place: Environment) -> None:
    bedrock = as_function(place, "SweeperSweep", "bedrock")
    for name in (f"local-{LINE}-live", "local-rejected-candidate"):
        with pytest.raises(ClientError, match="explicit deny"):
            found = client(place, "bedrock").get_custom_model_deployment(customModelDeploymentIdentifier=name)
            bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=found["customModelDeploymentArn"])
        assert name in names(place, "deployments")


def test_what_is_not_the_environments_is_denied_to_it(place: Environment) -> None:
    foreign = deploy(place, "local-foreign-candidate", "passed", run="foreign", environment="prod")
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(place, "SweeperSweep", "bedrock").delete_custom_model_deployment(
            customModelDeploymentIdentifier=foreign
        )
    client(place, "bedrock").delete_custom_model_deployment(customModelDeploymentIdentifier=foreign)


def test_teardown_names_what_is_live_and_ends_it_only_when_asked(project: Project, place: Environment) -> None:
    ssm, cloudwatch = client(place, "ssm"), client(place, "cloudwatch")
    parameter, alarm = release_parameter("local", LINE, "model"), live_alarm_name("local", LINE)
    ssm.put_parameter(Name=parameter, Value=model("served"), Type="String")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/Bedrock",
        MetricName="InvocationServerErrors",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    first = rft(project, "teardown", "--env", "local", "--json")
    assert first.returncode == 0, first.stderr
    assert f"alarm {alarm}" in json.loads(first.stdout)["live"]
    assert f"local-{LINE}-live" in names(place, "deployments")
    second = rft(project, "teardown", "--env", "local", "--live", "--json")
    assert second.returncode == 0, second.stderr
    assert {f"parameter {parameter}", f"alarm {alarm}"} <= set(json.loads(second.stdout)["removed"])
    assert names(place, "deployments") == set()
    assert cloudwatch.describe_alarms(AlarmNamePrefix=alarm)["MetricAlarms"] == []
    third = rft(project, "teardown", "--env", "local", "--live")
    assert third.stdout.strip() == f"removed: model {model('served')}"  # rejected, and nothing serves it any more
    fourth = rft(project, "teardown", "--env", "local", "--live")
    assert fourth.stdout.strip() == "There was nothing to end."
