"""What can be observed of customization jobs."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.verification.observation import Observation, holds, unseen
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.permission import Tried, attempt, observe_tags
from rft_cli.verification.removals import Removals
from rft_cli.verification.scaffold import Scaffold
from rft_cli.verification.trial_job import Started, is_over, models_named, wait
from rft_contract.statuses import JobStatus
from rft_runtime.job import Job, find_job

_CSV = (
    "training_artifacts/step_wise_training_metrics.csv",
    "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv",
)
_SHOWN = 20


class StatusSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An event about a job, as the observing function wrote it down.

    Args:
        source: Its source.
        status: Its `jobStatus`; None: it has none.
    """

    source: str | None
    status: str | None


def listen(scaffold: Scaffold, removals: Removals) -> None:
    """Have Bedrock's events about the trial's jobs delivered to the observing function.

    Args:
        scaffold: The trial's resources.
        removals: Told of the rule.
    """
    aws, name = scaffold.environment.aws, scaffold.name
    events = aws.session.client("events", endpoint_url=aws.endpoint, config=aws.config)
    removals.add(f"rule {name}", lambda: events.delete_rule(Name=name))
    removals.add(f"target of {name}", lambda: events.remove_targets(Rule=name, Ids=["observer"]))
    pattern = {
        "source": ["aws.bedrock"],
        "detail-type": ["Model Customization Job State Change"],
        "detail": {"jobName": [{"prefix": name}]},
    }
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    function = scaffold.alias_arn.rsplit(":", 1)[0]
    aws.functions.add_permission(
        FunctionName=scaffold.function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_targets(Rule=name, Targets=[{"Id": "observer", "Arn": function}])


def observe_role(started: Started, pace: TrialPace) -> Observation:
    """Return whether the service took a role that had just been made.

    Args:
        started: The trial's first job.
        pace: How far the tries were apart.
    """
    name = "role-at-once"
    if started.qualifier_refused or started.validation_refused:
        return unseen(name, "the job was refused for another reason as well")
    if not started.refusals:
        return holds(name, True, "the first request was accepted")
    tries = len(started.refusals)
    words = f"accepted after {tries} refusals, about {tries * pace.look:g} s: {started.refusals[-1]}"
    return holds(name, False, words)


def stop(scaffold: Scaffold, started: Started, pace: TrialPace, tell: Callable[[str], None]) -> list[Observation]:
    """Stop a job that runs, with the roles of the trial; return what its tags and its end show.

    Args:
        scaffold: The trial's resources.
        started: The job.
        pace: How long to wait for its end.
        tell: Told of each change.
    """
    aws, arn = scaffold.environment.aws, started.job.arn
    tried = []
    if not is_over(_job(scaffold, arn)):
        other, own = (
            attempt(partial(scaffold.acting_as(role).bedrock.stop_model_customization_job, jobIdentifier=arn))
            for role in (scaffold.other, scaffold.own)
        )
        tried.append(Tried("StopModelCustomizationJob", other, own))
        if not _job(scaffold, arn).is_ending:
            aws.bedrock.stop_model_customization_job(jobIdentifier=arn)
    ended = wait(scaffold, started, first_event=False, pace=pace, tell=tell)
    return [observe_tags("tags-stop", tried), observe_stopped(ended, models_named(aws.bedrock, started.name))]


def observe_stopped(job: Job, models: Sequence[str]) -> Observation:
    """Return whether a stopped job left a model.

    Args:
        job: At its end.
        models: ARNs of models of its name.
    """
    name = "stopped-model"
    if job.status != JobStatus.STOPPED:
        return unseen(name, f"the job was {job.status} before it could be stopped")
    kept = job.model_arn is not None or bool(models)
    return holds(name, not kept, f"the job is Stopped and {'names or left a model' if kept else 'left no model'}")


def observe_job_events(scaffold: Scaffold, pace: TrialPace) -> Observation:
    """Return which events about the trial's jobs arrived."""
    found = pace.until(lambda: scaffold.written("status"), bool, pace.metrics)
    seen = [msgspec.json.decode(body, type=StatusSeen) for body in found]
    counts = Counter(event.status or "no jobStatus" for event in seen)
    words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    if not seen:
        return holds("job-events", False, f"none arrived within {pace.metrics:g} s of the end of the job")
    return holds("job-events", all(event.status for event in seen), f"events: {words}")


def observe_output(scaffold: Scaffold, started: Started) -> Observation:
    """Return what lies below the output prefix of a job that trained to its end."""
    bucket, below = scaffold.environment.bucket, f"{scaffold.prefix}output/{started.name}/"
    keys = list(bucket.keys(below))
    tables = [bucket.read(key).decode(errors="replace") for key in keys if key.endswith(".csv")]
    heads = [table.partition("\n")[0].strip() for table in tables]
    return judge_output([key.removeprefix(below) for key in keys], heads, validated=not started.validation_refused)


def judge_output(keys: Sequence[str], heads: Sequence[str], *, validated: bool) -> Observation:
    """Return whether the two documented files are there, or the one of a job that was given no validation set.

    Args:
        keys: Below the job's output prefix.
        heads: First line of each CSV file.
        validated: Whether the job was given a validation set.
    """
    there = [any(key.endswith(file) for key in keys) for file in (_CSV if validated else _CSV[:1])]
    words = f"keys: {', '.join(keys[:_SHOWN]) or 'none'}; columns: {'; '.join(heads) or 'none'}"
    return holds("output-files", all(there), words)


def _job(scaffold: Scaffold, arn: str) -> Job:
    job = find_job(scaffold.environment.aws.bedrock, arn)
    if job is None:
        raise CliError(f"Bedrock does not show the job {arn}")
    return job
