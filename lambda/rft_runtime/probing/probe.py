"""Probe: the base model tries some of the training prompts, before a job is paid for."""

from collections.abc import Iterator

import msgspec

from rft_contract.outcomes import Infeasible, RunFailed
from rft_contract.prices import UnitPrice
from rft_contract.recipe import Recipe
from rft_dataset.reading import open_lines, rows
from rft_runtime.data_bucket import DataBucket
from rft_runtime.frozen_data import JSONL, write_lines_once
from rft_runtime.graded import Drawn, GradedCompletion, decode_graded
from rft_runtime.planning.left_out import trained_on
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from rft_runtime.planning.usage import Usage
from rft_runtime.platform import Platform
from rft_runtime.probing.probe_sample import ProbeSample, Traits, draw_sample, samples_of
from rft_runtime.probing.probe_statistics import measure, probed_prompts
from rft_runtime.probing.probe_verdict import ProbeResult, result_of
from rft_runtime.probing.probed_data import TRAIN, TRAIN_PROBED, write_probed_data
from rft_runtime.run_record import RunRecord
from rft_runtime.run_use import note_spent
from rft_runtime.shards import BASE, PROBE, Shard, decode_shards, encode_shards, shards_of

_ROLLOUTS_OF_A_ROW = 8


def start_probe(platform: Platform, run_id: str) -> int:
    """Draw the prompts to probe, and write them, what they count, and the manifest of their shards.

    Args:
        platform: Where this runs.
        run_id: The run.

    Returns:
        How many prompts are probed; 0: the recipe wants no probe.

    Raises:
        RunFailed: When the run already has other prompts.
    """
    record = platform.runs.load_running(run_id)
    recipe, keys, bucket = record.parsed_recipe(), record.keys, platform.bucket
    if recipe.probe.prompts == 0:
        return 0
    record = platform.runs.enter(run_id, "Probe")
    sample = _draw(bucket, record, recipe)
    lengths = write_lines_once(bucket, keys.data(PROBE), _lines_of(bucket, record, sample))
    bucket.write(keys.probe_sample, msgspec.json.encode(sample))
    samples = samples_of(recipe)
    shards = shards_of(
        lengths,
        data=PROBE,
        subjects=[BASE],
        rows_per_shard=_rows_per_shard(record.parsed_settings().rows_per_shard, samples),
        samples=samples,
        temperature=recipe.probe.temperature,
        greedy=False,
    )
    bucket.write(keys.probe_shards, encode_shards(shards), content_type=JSONL)
    return len(lengths)


def decide_probe(platform: Platform, run_id: str) -> ProbeResult:
    """Judge what the base model did, and write the training set that the job reads.

    Args:
        platform: Where this runs.
        run_id: The run.

    Raises:
        Infeasible: When training could teach nothing, and the environment ends such runs.
        RunFailed: When a shard is missing, or no rollout was graded.
    """
    record = platform.runs.load_running(run_id)
    recipe, keys, bucket = record.parsed_recipe(), record.keys, platform.bucket
    sample = msgspec.json.decode(bucket.read(keys.probe_sample), type=ProbeSample)
    shards = decode_shards(bucket.read(keys.probe_shards))
    drawn = Drawn()
    prompts = probed_prompts(drawn.counting(_completions(bucket, record, shards)), sample.weights())
    note_spent(platform.runs, run_id, {PROBE: drawn})
    group = recipe.hyperparameters.trainingSamplePerPrompt
    measures = measure(prompts, success_at=recipe.gate.success_at, group=group)
    if measures is None:
        raise RunFailed(
            f"the probe says nothing: none of the base model's rollouts on {len(prompts)} training prompts was graded; "
            "the reward function's log says why"
        )
    ends_runs = record.parsed_settings().probe_ends_runs
    result = result_of(prompts, measures, sample, recipe=recipe, samples=shards[0].samples, ends_runs=ends_runs)
    bucket.write(keys.probe, msgspec.json.format(msgspec.json.encode(result), indent=2))
    if ends_runs and not result.verdict.is_feasible:
        raise Infeasible(result.words)
    means = {prompt.row: prompt.mean_reward for prompt in prompts}
    write_probed_data(
        bucket,
        record,
        {row: reward for row, reward in means.items() if reward is not None},
        without=set(result.drop) if result.dropped else (),
    )
    if result.dropped:
        platform.runs.set(run_id, estimate=_expected(bucket, record))
    platform.runs.set(run_id, trains_on=TRAIN_PROBED, shard_error=None)
    return result


def read_probe(bucket: DataBucket, record: RunRecord) -> ProbeResult | None:
    """Return what a run's probe found, or None when it never came to that."""
    found = bucket.find(record.keys.probe)
    return None if found is None else msgspec.json.decode(found[0], type=ProbeResult)


def _expected(bucket: DataBucket, record: RunRecord) -> Usage | None:
    """Return what the run is expected to use, now that its job reads fewer rows."""
    if record.estimate is None:
        return None
    recipe = record.parsed_recipe()
    return trained_on(
        record.estimate,
        recipe,
        read_prompt_sizes(bucket.open(record.keys.data(TRAIN_PROBED))),
        record.parsed_resources().facts_of(recipe.reward),
        prices=[UnitPrice.from_json(price) for price in record.prices],
        today=record.started.date(),
    )


def _draw(bucket: DataBucket, record: RunRecord, recipe: Recipe) -> ProbeSample:
    traits = Traits()
    for _, _, row in rows(bucket.open(record.keys.data(TRAIN))):
        traits.add(row)
    return draw_sample(traits, recipe.probe.prompts, seed=record.run_id)


def _lines_of(bucket: DataBucket, record: RunRecord, sample: ProbeSample) -> Iterator[bytes]:
    wanted = set(sample.rows)
    for row, line in enumerate(open_lines(bucket.open(record.keys.data(TRAIN)))[0]):
        if row in wanted:
            yield line + b"\n"


def _rows_per_shard(rows_per_shard: int, samples: int) -> int:
    """Return how many prompts a shard tries: with many rollouts of each, fewer, so that a shard stays in its time."""
    return max(1, min(rows_per_shard, rows_per_shard * _ROLLOUTS_OF_A_ROW // samples))


def _completions(bucket: DataBucket, record: RunRecord, shards: list[Shard]) -> Iterator[GradedCompletion]:
    for shard in shards:
        key = record.keys.graded(shard.data, shard.subject, shard.mode, shard.shard)
        found = bucket.find(key)
        if found is None:
            raise RunFailed(f"the probe is incomplete: there is no {bucket.address(key)}")
        for completion in decode_graded(found[0]):
            # Text and components are not looked at here, and 20,000 prompts have a lot of them.
            yield msgspec.structs.replace(completion, completion="", components={})
