"""What a job writes below its output prefix, as the passed role.

Source: user guide, "Analyze the results of a model customization job": the two CSV files, their folders and the columns
`step_number`, `epoch_number`, `training_loss` (or `validation_loss`), `perplexity`. Reinforcement fine-tuning has no
such loss, so those two stay empty here; the further columns and `embedded_run.json` exist only in the embedded AWS.
"""

import csv
import io
import json
import resource
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.emulator_client import RoleSession
from rft_local.bedrock.engine import AskedUsed, TrainingStep
from rft_local.bedrock.role_check import RoleUnfit
from rft_local.bedrock.s3_uri import S3Uri

TRAINING_METRICS = "training_artifacts/step_wise_training_metrics.csv"
VALIDATION_METRICS = "validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
EMBEDDED_RUN = "training_artifacts/embedded_run.json"

_MEASURED = (
    "reward",
    "validation_reward",
    "episode_length",
    "policy_entropy",
    "gradient_norm",
    "mixed_groups",
    "seconds",
)


class JobOutput:
    """The output folder of one job.

    Args:
        session: The passed role at work.
        prefix: The request's output address.
        job_id: The 12 characters at the end of the job's ARN.
        lost: Whether the metrics never arrive.
    """

    def __init__(self, session: RoleSession, prefix: S3Uri, job_id: str, *, lost: bool = False) -> None:
        self._session = session
        self._lost = lost
        self._folder = prefix.below(f"model-customization-job-{job_id}")

    def write_training(self, steps: Sequence[TrainingStep]) -> None:
        """Write the metrics of all steps so far.

        Raises:
            RoleUnfit: When the role may not write.
        """
        if self._lost:
            return
        rows = [(step, [getattr(step, name) for name in _MEASURED]) for step in steps]
        self._put(TRAINING_METRICS, _table(("training_loss", "perplexity", *_MEASURED), rows))

    def write_validation(self, steps: Sequence[TrainingStep]) -> None:
        """Write the steps at which validation rows were graded.

        Raises:
            RoleUnfit: When the role may not write.
        """
        if self._lost:
            return
        rows = [(step, [step.validation_reward]) for step in steps if step.validation_reward is not None]
        self._put(VALIDATION_METRICS, _table(("validation_loss", "perplexity", "validation_reward"), rows))

    def write_run(self, stand_in: str, steps: int, asked_used: Sequence[AskedUsed]) -> None:
        """Write what really trains, and how that follows what was asked for.

        Args:
            stand_in: Name of the model that is trained.
            steps: Steps of the plan; a time budget can end training earlier.
            asked_used: One line for each setting.

        Raises:
            RoleUnfit: When the role may not write.
        """
        table: list[JsonValue] = [
            {"name": item.name, "asked": item.asked, "used": item.used, "why": item.why} for item in asked_used
        ]
        run: JsonObject = {
            "stand_in": stand_in,
            "planned_steps": steps,
            "asked_used": table,
            "peak_memory_mb": peak_memory_mb(),
        }
        self._put(EMBEDDED_RUN, json.dumps(run, indent=2, ensure_ascii=False) + "\n")

    def _put(self, name: str, text: str) -> None:
        target = self._folder.below(name)
        try:
            self._session.s3.put_object(Bucket=target.bucket, Key=target.key, Body=text.encode())
        except (ClientError, BotoCoreError) as error:
            raise RoleUnfit(
                "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access S3 bucket: "
                f"{target.bucket} at key {target.key} ({error})"
            ) from None


def peak_memory_mb() -> int:
    """Return the most memory this process has held, in MB (2**20 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def _table(columns: Sequence[str], rows: Sequence[tuple[TrainingStep, Sequence[float | None]]]) -> str:
    """Write rows as CSV; the measured values fill the last columns, the ones before stay empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step_number", "epoch_number", *columns))
    for step, values in rows:
        empty = [""] * (len(columns) - len(values))
        writer.writerow((step.step, step.epoch, *empty, *("" if value is None else f"{value:.6g}" for value in values)))
    return text.getvalue()
