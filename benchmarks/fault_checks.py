"""What must hold after a run on the embedded AWS, whatever went wrong in it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from benchmarks.instant_stack import InstantStack
from rft_contract.layout import OPEN_RUNS, RunKeys, current_release_key
from rft_contract.naming import (
    candidate_deployment_name,
    job_name,
    live_deployment_name,
    release_parameter,
    reward_alias,
)
from rft_contract.statuses import JobStatus
from rft_runtime.releases.current import Current
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


def check_ended(stack: InstantStack, record: RunRecord, outcomes: Sequence[str], reason: str | None) -> None:
    """The outcome has its name, its reason is told, and the report says so.

    Raises:
        AssertionError: When one of them is not so.
    """
    ended = record.status == ENDED and record.outcome in outcomes
    assert ended and record.reason, f"ended {record.outcome}: {record.reason}"
    assert reason is None or re.search(reason, record.reason), f"its reason is: {record.reason}"
    assert record.closing_errors == []
    key = RunKeys(record.run_id).report_json
    report = decode_report(stack.client("s3").get_object(Bucket=stack.outputs.bucket, Key=key)["Body"].read())
    assert (report.outcome, report.reason) == (record.outcome, record.reason)


def check_nothing_is_left(stack: InstantStack, record: RunRecord) -> None:
    """Nothing of a run bills, and nobody has to come back for it.

    Raises:
        AssertionError: When its job goes on, or its candidate, its alias or its mark is still there.
    """
    bedrock, run_id = stack.client("bedrock"), record.run_id
    job = _found(bedrock.get_model_customization_job, jobIdentifier=job_name(ENVIRONMENT, run_id))
    assert job is None or job["status"] != JobStatus.IN_PROGRESS, "its job goes on"
    candidate = candidate_deployment_name(ENVIRONMENT, run_id)
    found = _found(bedrock.get_custom_model_deployment, customModelDeploymentIdentifier=candidate)
    ours = found is not None and found["modelArn"] == record.model_arn
    assert not ours, "its candidate is still deployed"
    function = stack.outputs.rewards["routing"]
    alias = _found(stack.client("lambda").get_alias, FunctionName=function, Name=reward_alias(run_id))
    assert alias is None, "its alias is still there"
    assert not is_marked_open(stack, run_id), f"it is still marked below {OPEN_RUNS}"


def check_live(before: Live, now: Live, record: RunRecord, *, promoted: bool) -> None:
    """What applications get is the run's model where it was promoted, else what it was.

    Raises:
        AssertionError: When it is something else.
    """
    if not promoted:
        assert now == before, f"what is live changed from {before} to {now}"
        return
    model, _, release = now.parameters
    promised = (record.model_arn, record.model_arn, str(record.release))
    assert (now.serves, model, release) == promised, f"live is {now}, of the run's record {promised}"
    assert int(release or 0) > int(before.parameters[2] or 0), f"release {release} is not newer than {before}"


def change_of(stack: InstantStack, line: str) -> str | None:
    """Return what is under way on a line, by its id; None: nothing."""
    key = current_release_key(line)
    found = _found(stack.client("s3").get_object, Bucket=stack.outputs.bucket, Key=key)
    current = None if found is None else msgspec.json.decode(found["Body"].read(), type=Current)
    return None if current is None or current.change is None else current.change.id


def is_marked_open(stack: InstantStack, run_id: str) -> bool:
    """Whether somebody still has to come back for a run."""
    key = RunKeys(run_id).open
    return "Contents" in stack.client("s3").list_objects_v2(Bucket=stack.outputs.bucket, Prefix=key, MaxKeys=1)


def _found(operation: Callable[..., Any], **request: str) -> Any:
    """Return an answer; None when there is no such thing."""
    try:
        return operation(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "NoSuchKey"):
            raise
        return None
