"""Strays: what runs made outside their folder, and no run knows of any more.

A call that was on its way while its run was closed may still succeed, and then nobody is left to undo it. Such things
are known by name and tags, and removed once their run has been over for a while.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_contract.naming import RUN_ID, candidate_deployment_name, job_name, reward_alias
from rft_contract.outcomes import Transient
from rft_contract.statuses import JobStatus
from rft_contract.tags import ENVIRONMENT_TAG, LIVE_ROLE, ROLE_TAG, RUN_TAG
from rft_runtime.failures import error_code, explain
from rft_runtime.job import find_job, stop_job
from rft_runtime.platform import Platform
from rft_runtime.reward_alias import delete_alias
from rft_runtime.run_record import ENDED

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient

_AT_MOST = 1000
"""How many of a kind are listed, oldest first; what is removed is not listed again."""


@dataclass(frozen=True)
class Stray:
    """Something to be removed.

    Args:
        name: What it is, for logs.
        remove: Removes it; removing it twice is harmless.
    """

    name: str
    remove: Callable[[], None]


def stray_jobs(platform: Platform, open_runs: Collection[str], before: datetime) -> Iterator[Stray]:
    """Find customization jobs that go on although their run is over.

    Args:
        platform: Where this runs.
        open_runs: Ids of the runs that are not closed; what they made is theirs to remove.
        before: When the job was created, and its run over, at the latest.
    """
    bedrock = platform.clients.bedrock
    prefix = job_name(platform.environment, "")
    pages = bedrock.get_paginator("list_model_customization_jobs").paginate(
        nameContains=prefix,
        statusEquals=JobStatus.IN_PROGRESS.value,
        creationTimeBefore=before,
        sortBy="CreationTime",
        sortOrder="Ascending",
        PaginationConfig={"PageSize": 100, "MaxItems": _AT_MOST},
    )
    for page in pages:
        for found in page["modelCustomizationJobSummaries"]:
            run_id = _run_id(found["jobName"], prefix)
            if run_id is None or not _is_over(platform, run_id, open_runs, before):
                continue
            if _is_of_run(tags_of(bedrock, found["jobArn"]), platform, run_id):
                yield Stray(f"job {found['jobName']}", partial(_stop, bedrock, found["jobArn"]))


def stray_deployments(platform: Platform, open_runs: Collection[str], before: datetime) -> Iterator[Stray]:
    """Find candidates' deployments whose run is over; arguments as for `stray_jobs`."""
    bedrock = platform.clients.bedrock
    prefix, _, suffix = candidate_deployment_name(platform.environment, "|").partition("|")
    pages = bedrock.get_paginator("list_custom_model_deployments").paginate(
        nameContains=prefix,
        createdBefore=before,
        sortBy="CreationTime",
        sortOrder="Ascending",
        PaginationConfig={"PageSize": 100, "MaxItems": _AT_MOST},
    )
    for page in pages:
        for found in page["modelDeploymentSummaries"]:
            name, arn = found["customModelDeploymentName"], found["customModelDeploymentArn"]
            run_id = _run_id(name, prefix, suffix)
            if run_id is None or not _is_over(platform, run_id, open_runs, before):
                continue
            tags = tags_of(bedrock, arn)
            if _is_of_run(tags, platform, run_id) and tags.get(ROLE_TAG) != LIVE_ROLE:
                yield Stray(f"deployment {name}", partial(_delete, bedrock, arn))


def stray_aliases(platform: Platform, function: str, open_runs: Collection[str], before: datetime) -> Iterator[Stray]:
    """Find the aliases of runs that are over on a reward function.

    An alias has neither tags nor a date (Lambda API, ListTags and AliasConfiguration). Its name is ours, and its run's
    record is older than it: an alias without a record has no run.

    Args:
        platform: Where this runs.
        function: Name of the reward function.
        open_runs: Ids of the runs that are not closed.
        before: When the run was over at the latest.
    """
    functions = platform.clients.functions
    prefix = reward_alias("")
    for page in functions.get_paginator("list_aliases").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 100, "MaxItems": _AT_MOST}
    ):
        for found in page["Aliases"]:
            run_id = _run_id(found["Name"], prefix)
            if run_id is not None and _is_over(platform, run_id, open_runs, before):
                yield Stray(f"alias {function}:{found['Name']}", partial(delete_alias, functions, function, run_id))


def tags_of(bedrock: "BedrockClient", arn: str) -> dict[str, str]:
    """Return the tags of a Bedrock resource; none when it is gone."""
    try:
        return {tag["key"]: tag["value"] for tag in bedrock.list_tags_for_resource(resourceARN=arn).get("tags", [])}
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return {}
        raise


def _run_id(name: str, prefix: str, suffix: str = "") -> str | None:
    """Return the run id in a name, or None when the name has another form."""
    if not name.startswith(prefix) or not name.endswith(suffix):
        return None
    run_id = name[len(prefix) : len(name) - len(suffix)]
    return run_id if RUN_ID.fullmatch(run_id) and len(run_id) <= 40 else None


def _is_over(platform: Platform, run_id: str, open_runs: Collection[str], before: datetime) -> bool:
    if run_id in open_runs:
        return False
    record = platform.runs.find(run_id)
    return record is None or (record.status == ENDED and record.ended is not None and record.ended < before)


def _is_of_run(tags: dict[str, str], platform: Platform, run_id: str) -> bool:
    return tags.get(ENVIRONMENT_TAG) == platform.environment and tags.get(RUN_TAG) == run_id


def _stop(bedrock: "BedrockClient", arn: str) -> None:
    job = find_job(bedrock, arn)
    if job is not None:
        stop_job(bedrock, job)


def _delete(bedrock: "BedrockClient", arn: str) -> None:
    try:
        bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
    except ClientError as error:
        if error_code(error) == "ConflictException":
            raise Transient(explain(error)) from error
        if error_code(error) != "ResourceNotFoundException":
            raise
