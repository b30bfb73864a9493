"""The people's policies: exactly these statements, and what a config changes in them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    HandlerPlatform,
    InvocationLogSampler,
    PeoplePolicies,
    PlatformSettings,
    RewardFunction,
    RftDashboard,
    RftKey,
    RftTopic,
    RftWorkflow,
)

_HASH = re.compile(r"(?<=[a-z])[0-9A-F]{8}(?=[.>])")
"""What the CDK appends to logical ids."""

CASES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "cases" / "people_statements.json").read_text())


@pytest.fixture
def parts(stack: Stack, key: RftKey, datasets: DatasetBucket, reward: RewardFunction) -> dict[str, Any]:
    """Return what the policies are about."""
    workflow = RftWorkflow(
        stack,
        "Workflow",
        settings=PlatformSettings(environment="dev"),
        datasets=datasets,
        key=key,
        rewards=[reward],
        customization_role=CustomizationRole(stack, "Job", datasets=datasets, key=key, rewards=[reward]),
        topic=RftTopic(stack, "Topic", key=key).topic,
        platform=HandlerPlatform.HOST,
    )
    dashboard = RftDashboard(stack, "Dashboard", dashboard_name="dev-Rft", rewards=[reward], workflow=workflow)
    return {"workflow": workflow, "datasets": datasets, "key": key, "rewards": [reward], "dashboard": dashboard}


def statements(built: Any, flat: Any) -> dict[str, list[dict[str, Any]]]:
    """Return name -> statements without their effect, which is `Allow`, ids short."""
    found = {}
    for policy in built.of_type("AWS::IAM::ManagedPolicy").values():
        properties = policy["Properties"]
        assert not {"Roles", "Users", "Groups"} & set(properties)
        assert properties["Description"] == ""  # it could never be changed: the name is fixed
        plain = flat(properties["PolicyDocument"]["Statement"])
        assert {statement.pop("Effect") for statement in plain} == {"Allow"}
        found[properties["ManagedPolicyName"]] = json.loads(_HASH.sub("", json.dumps(plain)))
    return found


def test_statements(stack: Stack, parts: dict[str, Any], build: Callable[[Stack], Any], flat: Any) -> None:
    PeoplePolicies(stack, "People", **parts)
    assert statements(build(stack), flat) == CASES


def test_authors_who_start_nothing_bring_datasets_and_read(
    stack: Stack, parts: dict[str, Any], build: Callable[[Stack], Any], flat: Any
) -> None:
    PeoplePolicies(stack, "People", **parts, authors_start_runs=False, name_prefix="team")
    found = statements(build(stack), flat)
    assert set(found) == {"team-Author", "team-Operator", "team-Approver", "team-Auditor"}
    gone = ("states:StartExecution", "lambda:InvokeFunction")
    assert not [word for word in gone if word in str(found["team-Author"])]
    written = [one["Resource"] for one in found["team-Author"] if "s3:PutObject" in one["Action"]]
    assert len(written) == 1
    assert written[0].endswith("/datasets/*")
    for person in ("Operator", "Approver", "Auditor"):
        assert found[f"team-{person}"] == CASES[f"Test-{person}"]


def test_samples_of_logs_are_started_by_authors(
    stack: Stack, parts: dict[str, Any], build: Callable[[Stack], Any], flat: Any
) -> None:
    sampler = InvocationLogSampler(
        stack,
        "Sampler",
        logs_bucket=s3.Bucket.from_bucket_name(stack, "Logs", "logs"),
        logs_prefix="AWSLogs/",
        datasets=parts["datasets"],
        key=parts["key"],
        environment_name="dev",
        platform=HandlerPlatform.HOST,
    )
    PeoplePolicies(stack, "People", **parts, log_sampler=sampler)
    found = statements(build(stack), flat)
    for person in ("Operator", "Approver", "Auditor"):
        assert found[f"Test-{person}"] == CASES[f"Test-{person}"]
    more = [one for one in found["Test-Author"] if one not in CASES["Test-Author"]]
    machine = "SamplerStateMachine"
    started = [one for one in more if one["Action"] == "states:StartExecution" and machine in str(one["Resource"])]
    seen = [one for one in more if "states:DescribeExecution" in one["Action"] and machine in str(one["Resource"])]
    assert (len(started), len(seen)) == (1, 1)


def test_too_many_rewards_are_refused_before_iam_does(stack: Stack, parts: dict[str, Any]) -> None:
    parts["rewards"] *= 13
    with pytest.raises(ValueError, match="rewards: got 13, wanted at most 12, since IAM takes 6,144 characters"):
        PeoplePolicies(stack, "People", **parts)
