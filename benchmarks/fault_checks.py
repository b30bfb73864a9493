"""What must hold after a run on the embedded AWS, whatever went wrong in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.instant_stack import InstantStack
from rft_contract.layout import OPEN_RUNS, RunKeys
from rft_contract.naming import (
    candidate_deployment_name,
    job_name,
    live_deployment_name,
    release_parameter,
    reward_alias,
)
from rft_contract.statuses import JobStatus
from rft_runtime.report import decode_report
from rft_runtime.run_record import ENDED, RunRecord

ENVIRONMENT = "local"


@dataclass(frozen=True)
class Live:
    """What applications get of a line: the model behind its deployment, and what SSM says."""

    serves: str | None = None
    parameters: tuple[str | None, ...] = (None, None, None)


def live_of(stack: InstantStack, line: str) -> Live:
    """Return what applications get of a line now."""
    names = [release_parameter(ENVIRONMENT, line, name) for name in ("model", "deployment", "release")]
    found = {item["Name"]: item["Value"] for item in stack.client("ssm").get_parameters(Names=names)["Parameters"]}
    deployment = _found(
        stack.client("bedrock").get_custom_model_deployment,
        customModelDeploymentIdentifier=live_deployment_name(ENVIRONMENT, line),
    )
    serves = None if deployment is None else str(deployment["modelArn"])
    return Live(serves, tuple(found.get(name) for name in names))


def check_ended(stack: InstantStack, record: RunRecord, outcome: str, reason: str | None) -> None:
    """The outcome has its name, its reason is told, and the report says so.

    Raises:
        AssertionError: When one of them is not so.
    """
    assert (record.status, record.outcome) == (ENDED, outcome), f"ended {record.outcome}: {record.reason}"
    assert record.reason
    assert reason is None or re.search(reason, record.reason), f"its reason is: {record.reason}"
    assert record.closing_errors == []
    key = RunKeys(record.run_id).report_json
    report = decode_report(stack.client("s3").get_object(Bucket=stack.outputs.bucket, Key=key)["Body"].read())
    assert (report.outcome, report.reason) == (outcome, record.reason)


def check_nothing_is_left(stack: InstantStack, run_id: str) -> None:
    """Nothing of a run bills, and nobody has to come back for it.

    Raises:
        AssertionError: When its job goes on, or its candidate, its alias or its mark is still there.
    """
    bedrock = stack.client("bedrock")
    job = _found(bedrock.get_model_customization_job, jobIdentifier=job_name(ENVIRONMENT, run_id))
    assert job is None or job["status"] != JobStatus.IN_PROGRESS, "its job goes on"
    candidate = candidate_deployment_name(ENVIRONMENT, run_id)
    found = _found(bedrock.get_custom_model_deployment, customModelDeploymentIdentifier=candidate)
    assert found is None, "its candidate is still deployed"
    function = stack.outputs.rewards["routing"]
    alias = _found(stack.client("lambda").get_alias, FunctionName=function, Name=reward_alias(run_id))
    assert alias is None, "its alias is still there"
    listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs.bucket, Prefix=RunKeys(run_id).open)
    assert listed.get("Contents", []) == [], f"it is still marked below {OPEN_RUNS}"


def check_live(before: Live, now: Live, record: RunRecord, *, promoted: bool) -> None:
    """What applications get is the run's model where it was promoted, else what it was.

    Raises:
        AssertionError: When it is something else.
    """
    if not promoted:
        assert now == before, f"what is live changed from {before} to {now}"
        return
    assert (now.serves, now.parameters[0]) == (record.model_arn, record.model_arn)
    assert now.parameters[2] == str(int(before.parameters[2] or 0) + 1)


def _found(operation: Callable[..., Any], **request: str) -> Any:
    """Return an answer; None when there is no such thing."""
    try:
        return operation(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
