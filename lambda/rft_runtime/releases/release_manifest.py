"""The manifest of a release, built from its run."""

from rft_contract.outcomes import RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.decision import read_decision
from rft_runtime.evaluation import read_evaluations
from rft_runtime.measures import gain, measures
from rft_runtime.releases.current import Change, Current
from rft_runtime.releases.release import HeldOutUse, Metrics, Previous, Release, RewardUse
from rft_runtime.run_record import RunRecord
from rft_runtime.shards import HELD_OUT


def build_manifest(bucket: DataBucket, record: RunRecord, current: Current, change: Change) -> Release:
    """Build the manifest of a run's candidate; the same arguments give the same bytes.

    Args:
        bucket: The data bucket.
        record: The run.
        current: The line before the switch.
        change: The promotion.

    Raises:
        RunFailed: When the run has no model, no decision or no evaluation.
    """
    decision, evaluation = read_decision(bucket, record), read_evaluations(bucket, record).get(HELD_OUT)
    if decision is None or evaluation is None or record.model_arn is None or change.release is None:
        raise RunFailed(f"run {record.run_id}: nothing was decided about its candidate; Decide did not finish")
    recipe = record.parsed_recipe()
    success_at = recipe.gate.success_at
    return Release(
        line=current.line,
        number=change.release,
        environment=record.environment,
        run_id=record.run_id,
        promoted=change.since,
        model_arn=record.model_arn,
        base_model=recipe.base_model,
        job_arn=record.job_arn,
        recipe=record.recipe,
        datasets=record.datasets,
        reward=RewardUse(
            name=recipe.reward,
            sha256=record.reward_hash,
            version=record.reward_version,
            certificates=record.certificates,
        ),
        held_out=HeldOutUse(sha256=record.datasets[HELD_OUT].sha256, looks=decision.candidates),
        decision=decision,
        metrics=Metrics(
            arms={name: measures(evaluation, arm, success_at) for name, arm in evaluation.arms.items()},
            gain=gain(evaluation, success_at),
        ),
        previous=_previous(current),
    )


def _previous(current: Current) -> Previous | None:
    if current.release is None or current.manifest_sha256 is None:
        return None
    return Previous(number=current.release, sha256=current.manifest_sha256)
