"""What a customization job leaves under its output prefix.

Source: Amazon Bedrock user guide, "Analyze the results of a model customization job": the documented columns are
step_number, epoch_number, training_loss and perplexity. The embedded AWS adds columns and a file; readers take what is
there, and what is not is None.
"""

import csv
import math
from typing import Any

import msgspec

from rft_runtime.data_bucket import DataBucket


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One training step. Everything but its number may be unknown.

    Args:
        step: Number, as the job counts.
        reward: Mean reward of its rollouts.
        validation_reward: Mean reward on the validation set.
        episode_length: Mean completion length, tokens.
        policy_entropy: Mean entropy of the policy, nats a token.
        gradient_norm: Before clipping.
        mixed_groups: Share of groups whose rollouts did not all get one reward.
    """

    step: int
    reward: float | None = None
    validation_reward: float | None = None
    episode_length: float | None = None
    policy_entropy: float | None = None
    gradient_norm: float | None = None
    mixed_groups: float | None = None


class AskedUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A hyperparameter that was asked for, and what a stand-in made of it.

    Args:
        name: Bedrock's name.
        asked: Value in the recipe.
        used: Value in effect; None when without effect.
        why: Reason for a difference.
    """

    name: str
    asked: Any = None
    used: Any = None
    why: str | None = None


class EmbeddedRun(msgspec.Struct, frozen=True, kw_only=True):
    """The embedded AWS's own file, `embedded_run.json`.

    Args:
        stand_in: The model that was really trained.
        asked_used: Hyperparameters asked and used.
        peak_memory_mb: Highest resident memory of the trainer, MiB.
    """

    stand_in: str | None = None
    asked_used: list[AskedUsed] = []
    peak_memory_mb: float | None = None


class TrainingOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A job's output.

    Args:
        steps: Its steps; empty when it wrote none.
        embedded: What the embedded AWS adds.
    """

    steps: list[Step] = []
    embedded: EmbeddedRun = EmbeddedRun()


def read_training_output(bucket: DataBucket, job_output: str, job_arn: str) -> TrainingOutput:
    """Read a job's output. What is damaged is left out: a run's end does not depend on somebody else's file.

    Args:
        bucket: The data bucket.
        job_output: The job's output prefix, without a trailing slash.
        job_arn: The job; its last part names the folder.
    """
    folder = f"{job_output}/model-customization-job-{job_arn.rsplit('/', 1)[-1]}/training_artifacts"
    metrics = bucket.find(f"{folder}/step_wise_training_metrics.csv")
    embedded = bucket.find(f"{folder}/embedded_run.json")
    return TrainingOutput(
        steps=[] if metrics is None else read_steps(metrics[0].decode(errors="replace")),
        embedded=EmbeddedRun() if embedded is None else _read_embedded(embedded[0]),
    )


def _read_embedded(body: bytes) -> EmbeddedRun:
    try:
        return msgspec.json.decode(body, type=EmbeddedRun)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return EmbeddedRun()


def read_steps(text: str) -> list[Step]:
    """Read the table of steps; rows without a step number are left out."""
    steps = []
    for row in csv.DictReader(text.splitlines()):
        number = _number(row.get("step_number"))
        if number is not None:
            values = {name: _number(row.get(name)) for name in Step.__struct_fields__ if name != "step"}
            steps.append(Step(step=int(number), **values))
    return steps


def _number(text: str | None) -> float | None:
    """Return a finite number, or None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
