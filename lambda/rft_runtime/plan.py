"""Plan: everything that can be refused before anything is spent."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from botocore.exceptions import ClientError

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.layout import DATASETS
from rft_contract.naming import check_run_id, reward_alias
from rft_contract.outcomes import InvalidDataset, RunFailed
from rft_contract.plan_facts import PlanFacts
from rft_contract.recipe import Recipe
from rft_contract.settings import PlatformResources
from rft_dataset.reading import DamagedGzip
from rft_runtime.base_models import BaseModel, base_model
from rft_runtime.data_bucket import DataBucket, is_missing
from rft_runtime.grader_metrics import grader_time
from rft_runtime.held_out_ledger import HeldOutLedger
from rft_runtime.planning.expectation import Expectation, expect, require_different
from rft_runtime.planning.grader_time import GraderTime, recommended_concurrency
from rft_runtime.planning.prompt_sizes import PromptSizes, read_prompt_sizes
from rft_runtime.platform import Platform
from rft_runtime.preflight.checks import preflight
from rft_runtime.preflight.finding import Finding, errors_of
from rft_runtime.preflight.place import Place
from rft_runtime.preflight.quotas import short_of_tokens
from rft_runtime.releases.release_store import release_store
from rft_runtime.reward_alias import create_alias, newest_version
from rft_runtime.run_record import RunRecord
from rft_runtime.shards import HELD_OUT


def plan(
    platform: Platform, *, run_id: str, execution: str, recipe: JsonObject, facts: Mapping[str, JsonValue]
) -> RunRecord:
    """Write the run's record, look whether the run can go well, and make the run's reward alias.

    The record comes first, so that a refusal has somewhere to be written; what is found goes into it before it is
    judged.

    Args:
        platform: Where this runs.
        run_id: Name of the run and of its execution.
        execution: ARN of the execution.
        recipe: The recipe as JSON; datasets are `s3://` addresses.
        facts: `settings`, `resources`, `prices` and `hours_beside_training` as the stack wrote them.

    Returns:
        The record.

    Raises:
        RunFailed: When the recipe names something that the platform does not have, preflight finds what no run can
            survive, the gate cannot pass, a money limit lacks a price, or other runs hold all places.
        InvalidDataset: When a dataset does not exist, lies elsewhere, or is another one under a second name.
        OverLimit: When even at best the run exceeds one of the recipe's limits.
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
    checked, resources = record.parsed_recipe(), record.parsed_resources()
    function = _reward_function(checked, resources)
    try:
        known = PlanFacts.from_json(facts)
        model = base_model(checked.base_model, platform.region)
    except ValueError as error:
        raise RunFailed(str(error)) from None
    time = grader_time(
        platform.clients.cloudwatch,
        environment=platform.environment,
        reward=checked.reward,
        facts=resources.facts_of(checked.reward),
        now=now,
    )
    found = _preflight(platform, checked, resources, model, time)
    platform.runs.set(run_id, preflight=found)
    if fatal := list(errors_of(found)):
        raise RunFailed(" | ".join(finding.words() for finding in fatal))
    sizes = _read(platform.bucket, checked)
    require_different(sizes)
    live = release_store(platform).current(checked.line).live
    expected = expect(
        checked,
        sizes,
        known,
        has_live=live is not None,
        looks=HeldOutLedger(platform.bucket, sizes[HELD_OUT].digest).looks(run_id),
        today=now.date(),
        time=time,
    )
    prices = [price.to_json() for price in known.prices]
    platform.runs.set(run_id, live=live, prices=prices, **_noted(expected))
    expected = expected.check(checked)
    warnings = [*expected.estimate.warnings, *short_of_tokens(found, expected.estimate)]
    record = platform.runs.set(run_id, estimate=msgspec.structs.replace(expected.estimate, warnings=warnings))
    platform.places.take(run_id, known.settings.max_parallel_runs)
    return _pin_reward(platform, record, function)


def _noted(expected: Expectation) -> dict[str, object]:
    """Return the fields of the record that hold an expectation, before it is judged."""
    return {
        "estimate": expected.estimate,
        "gate_power": expected.gate_power,
    }


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


def _preflight(
    platform: Platform, recipe: Recipe, resources: PlatformResources, model: BaseModel, time: GraderTime
) -> list[Finding]:
    """Check with this function's own rights what the run is going to meet."""
    return preflight(
        Place(
            clients=platform.clients,
            region=platform.region,
            bucket=platform.bucket_name,
            key_arn=resources.key_arn,
            role_arn=resources.customization_role_arn,
            rewards={recipe.reward: resources.rewards[recipe.reward]},
            models=(model,),
            release_key_arn=resources.release_key_arn if recipe.promote else None,
            concurrency=recommended_concurrency(recipe, time),
        )
    )


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


def _read(bucket: DataBucket, recipe: Recipe) -> dict[str, PromptSizes]:
    """Return the sizes of every dataset, which also proves that each can be read."""
    sizes = {}
    for split, address in recipe.datasets.items():
        try:
            key = bucket.key_of(address)
        except ValueError as error:
            raise InvalidDataset(f"datasets.{split}: {error}; `rft run` uploads files by itself") from None
        if not key.startswith(DATASETS):
            raise InvalidDataset(f"datasets.{split}: got {address!r}, datasets lie under {bucket.address(DATASETS)}")
        try:
            sizes[split] = read_prompt_sizes(bucket.open(key))
        except DamagedGzip as error:
            raise InvalidDataset(
                f"datasets.{split}: {address} is a damaged gzip file: {error}; upload it again"
            ) from None
        except ClientError as error:
            if is_missing(error):
                raise InvalidDataset(f"datasets.{split}: {address} does not exist; upload it first") from error
            raise
    return sizes
