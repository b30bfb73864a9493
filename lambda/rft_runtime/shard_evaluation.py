"""One item of a map, of Probe or Evaluate: draw a shard's completions, grade them, write them down."""

import hashlib
import time
from contextlib import suppress

import msgspec

from rft_contract.json_value import JsonObject, canonical
from rft_contract.layout import HOLDS_TAG, ROLLOUTS
from rft_contract.outcomes import RunEnded, RunFailed, Transient
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_runtime.base_models import BaseModel, base_model
from rft_runtime.conversation import Decoding
from rft_runtime.failures import explain
from rft_runtime.graded import GradedCompletion, encode_graded
from rft_runtime.patience import Patience
from rft_runtime.platform import Platform
from rft_runtime.reward_calls import Grade, RewardCaller, event_item, sample_id
from rft_runtime.rollouts import Rollout, Sampler
from rft_runtime.run_record import RunRecord
from rft_runtime.shards import BASE, CANDIDATE, LIVE, Shard

_GRADING_SHARE = 0.25


def evaluate_shard(platform: Platform, run_id: str, shard: Shard, seconds: float) -> int:
    """Evaluate one shard and return how many of its completions were graded.

    Args:
        platform: Where this runs.
        run_id: The run.
        shard: The slice, model and decoding.
        seconds: Time left; a quarter of it is kept for grading.
    """
    try:
        return _evaluate(platform, run_id, shard, seconds)
    except Exception as error:
        message = explain(error)
        with suppress(RunEnded, Transient):
            platform.runs.set(run_id, shard_error=message)
        raise


def _evaluate(platform: Platform, run_id: str, shard: Shard, seconds: float) -> int:
    record = platform.runs.load_running(run_id)
    if record.reward_arn is None:
        raise RunFailed(f"run {run_id}: the record has no reward alias; Plan did not finish")
    now = time.monotonic()
    rows = _rows(platform, record, shard)
    sampler = _sampler(platform, record, shard, Patience(deadline=now + seconds * (1 - _GRADING_SHARE)))
    rollouts = sampler.draw(rows, shard.samples)
    caller = RewardCaller(
        client=platform.clients.grading, function_arn=record.reward_arn, patience=Patience(deadline=now + seconds)
    )
    by_number = dict(rows)
    grades = caller.grade(
        [
            event_item(by_number[rollout.row], rollout.row, rollout.sample, rollout.answer.text, shard.phase)
            for rollout in rollouts
            if rollout.answer is not None
        ]
    )
    completions = [_graded(rollout, grades, by_number[rollout.row]) for rollout in rollouts]
    key = record.keys.graded(shard.data, shard.subject, shard.mode, shard.shard)
    tags = {HOLDS_TAG: ROLLOUTS}
    platform.bucket.write_tagged(key, encode_graded(completions), tags=tags, content_type="application/gzip")
    return sum(completion.reward is not None for completion in completions)


def _rows(platform: Platform, record: RunRecord, shard: Shard) -> list[tuple[int, JsonObject]]:
    """Read a shard's rows with their numbers, which each row carries."""
    body = platform.bucket.read(record.keys.data(shard.data), start=shard.start, end=shard.end)
    rows: list[JsonObject] = msgspec.json.Decoder(dict).decode_lines(body)
    marks = [RolloutMark.from_json(row.get(FIELD)) for row in rows]
    return [(mark.row, row) for mark, row in zip(marks, rows, strict=True) if mark is not None]


def _sampler(platform: Platform, record: RunRecord, shard: Shard, patience: Patience) -> Sampler:
    recipe = record.parsed_recipe()
    model = base_model(recipe.base_model, platform.region)
    model_id = _model_id(record, model, shard.subject)
    return Sampler(
        client=platform.clients.bedrock_runtime,
        model_id=model_id,
        model=model,
        decoding=Decoding(
            max_tokens=recipe.hyperparameters.inferenceMaxTokens,
            temperature=shard.temperature,
            reasoning_effort=recipe.hyperparameters.reasoningEffort,
        ),
        patience=patience,
        at_once=record.parsed_settings().rollouts_at_once,
    )


def _model_id(record: RunRecord, model: BaseModel, subject: str) -> str:
    """Return what Converse calls a subject."""
    deployment = {
        BASE: model.inference_id,
        CANDIDATE: record.deployment_arn,
        LIVE: None if record.live is None else record.live.deployment_arn,
    }[subject]
    if deployment is None:
        raise RunFailed(f"run {record.run_id}: the record has no deployment of the {subject}; Deploy did not finish")
    return deployment


def _graded(rollout: Rollout, grades: dict[str, Grade], row: JsonObject) -> GradedCompletion:
    answer = rollout.answer
    if answer is None:
        grade = Grade(reward=None, invalid=rollout.missing)
    else:
        unanswered = Grade(reward=None, invalid="left-out")
        grade = grades.get(sample_id(rollout.row, rollout.sample), unanswered)
    return GradedCompletion(
        row=rollout.row,
        sample=rollout.sample,
        reward=grade.reward,
        invalid=grade.invalid,
        components=dict(grade.components),
        tokens_out=0 if answer is None else answer.tokens_out,
        stop_reason="" if answer is None else answer.stop_reason,
        completion="" if answer is None else answer.text,
        group=_group(row),
    )


def _group(row: JsonObject) -> str | None:
    """Return a digest of what a row shares with others of its source: the value itself may be personal."""
    value = row.get("group")
    if value in (None, ""):
        return None
    return hashlib.blake2b(canonical(value).encode(), digest_size=8).hexdigest()
