"""Plan: everything that can be refused before anything is spent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil

from botocore.exceptions import ClientError

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.layout import DATASETS
from rft_contract.naming import check_run_id, reward_alias
from rft_contract.outcomes import InvalidDataset, OverLimit, RunFailed
from rft_contract.recipe import Recipe
from rft_contract.settings import PlatformResources, PlatformSettings
from rft_dataset.reading import DamagedGzip, open_lines
from rft_runtime.base_models import base_model
from rft_runtime.data_bucket import DataBucket, is_missing
from rft_runtime.platform import Platform
from rft_runtime.reward_alias import create_alias, newest_version
from rft_runtime.run_record import RunRecord


def expected_steps(rows: int, hyperparameters: Hyperparameters) -> int:
    """Return the most training steps that a job takes; early stopping and dropped prompts may make it fewer.

    Args:
        rows: Training prompts.
        hyperparameters: The job's.
    """
    return hyperparameters.epochCount * ceil(rows / hyperparameters.batchSize)


def plan(
    platform: Platform, *, run_id: str, execution: str, recipe: JsonObject, facts: Mapping[str, JsonValue]
) -> RunRecord:
    """Write the run's record, check the recipe against the platform, and make the run's reward alias.

    The record comes first, so that a refusal has somewhere to be written.

    Args:
        platform: Where this runs.
        run_id: Name of the run and of its execution.
        execution: ARN of the execution.
        recipe: The recipe as JSON; datasets are `s3://` addresses.
        facts: `settings` and `resources` as the stack wrote them.

    Returns:
        The record.

    Raises:
        RunFailed: When the recipe names something that the platform does not have.
        InvalidDataset: When a dataset does not exist or lies elsewhere.
        OverLimit: When the job would take more rollouts than the recipe allows.
    """
    now = datetime.now(UTC)
    record = platform.runs.create(
        RunRecord(
            run_id=check_run_id(run_id),
            environment=platform.environment,
            execution_arn=execution,
            started=now,
            stages={"Plan": now},
            recipe=recipe,
            settings=_mapping(facts, "settings"),
            resources=_mapping(facts, "resources"),
        )
    )
    checked = record.parsed_recipe()
    PlatformSettings.from_json(record.settings)
    function = _reward_function(checked, record.parsed_resources())
    try:
        base_model(checked.base_model, platform.region)
    except ValueError as error:
        raise RunFailed(str(error)) from None
    rows = {split: _rows(platform.bucket, split, address) for split, address in checked.datasets.items()}
    steps = expected_steps(rows["train"], checked.hyperparameters)
    record = platform.runs.set(run_id, steps=steps, rollouts=_affordable_rollouts(checked, steps))
    return _pin_reward(platform, record, function)


def _mapping(facts: Mapping[str, JsonValue], name: str) -> JsonObject:
    value = facts.get(name)
    if not isinstance(value, dict):
        raise RunFailed(f"Plan's input has no mapping `{name}`; start the run with the state machine of this stack")
    return value


def _reward_function(recipe: Recipe, resources: PlatformResources) -> str:
    function = resources.rewards.get(recipe.reward)
    if function is None:
        known = ", ".join(sorted(resources.rewards)) or "none"
        raise RunFailed(f"recipe.reward: got {recipe.reward!r}, this environment has {known}")
    return function


def _affordable_rollouts(recipe: Recipe, steps: int) -> int:
    """Return the job's most rollouts, which the recipe must allow."""
    prompts, samples = recipe.hyperparameters.batchSize, recipe.hyperparameters.trainingSamplePerPrompt
    rollouts, limit = steps * prompts * samples, recipe.limits.rollouts
    if limit is not None and rollouts > limit:
        raise OverLimit(
            f"recipe.limits.rollouts: {limit} allowed, {rollouts} needed ({steps} steps of {prompts} prompts with "
            f"{samples} rollouts); raise the limit or lower epochCount or trainingSamplePerPrompt"
        )
    return rollouts


def _pin_reward(platform: Platform, record: RunRecord, function: str) -> RunRecord:
    """Make the run's alias. The version goes into the record first: it tells Close that there may be an alias."""
    functions, run_id = platform.clients.functions, record.run_id
    version = record.reward_version or newest_version(functions, function)
    platform.runs.set(run_id, reward_version=version)
    alias = create_alias(functions, function, version, run_id)
    if alias is None:
        platform.runs.set(run_id, reward_version=None)
        raise RunFailed(
            f"reward function {function}: alias {reward_alias(run_id)} exists and points elsewhere; delete it or start "
            "again with another run id"
        )
    return platform.runs.set(run_id, reward_arn=alias)


def _rows(bucket: DataBucket, split: str, address: str) -> int:
    """Count a dataset's lines, which also proves that it can be read."""
    try:
        key = bucket.key_of(address)
    except ValueError as error:
        raise InvalidDataset(f"datasets.{split}: {error}; `rft run` uploads files by itself") from None
    if not key.startswith(DATASETS):
        raise InvalidDataset(f"datasets.{split}: got {address!r}, datasets lie under {bucket.address(DATASETS)}")
    try:
        return sum(1 for _ in open_lines(bucket.open(key))[0])
    except DamagedGzip as error:
        raise InvalidDataset(f"datasets.{split}: {address} is a damaged gzip file: {error}; upload it again") from None
    except ClientError as error:
        if is_missing(error):
            raise InvalidDataset(f"datasets.{split}: {address} does not exist; upload it first") from error
        raise
