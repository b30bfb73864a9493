"""The report of a run: `report.json`, a public schema (see `docs/report.md`)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rft_contract.recipe import Recipe
from rft_dataset.reading import open_lines
from rft_runtime.data_bucket import DataBucket
from rft_runtime.decision import read_decision
from rft_runtime.evaluation import Evaluation, read_evaluations
from rft_runtime.gate import Decision
from rft_runtime.measures import Gain, Measures, gain, measures
from rft_runtime.planning.usage import GatePower, Usage
from rft_runtime.preflight.finding import Finding
from rft_runtime.probing.probe import read_probe
from rft_runtime.probing.probe_verdict import ProbeResult
from rft_runtime.report_data import Data, read_data
from rft_runtime.report_examples import Example, choose_examples
from rft_runtime.run_record import RunRecord
from rft_runtime.shards import BASE, CANDIDATE, HELD_OUT, LIVE
from rft_runtime.training_output import AskedUsed, Step, TrainingOutput, read_training_output

SCHEMA_VERSION = 1


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Both models on a guard set.

    Args:
        prompts: Its prompts.
        base: The base model.
        candidate: The candidate.
    """

    prompts: int
    base: Measures
    candidate: Measures


class Decoding(msgspec.Struct, frozen=True, kw_only=True):
    """How completions were drawn.

    Args:
        accuracy: What accuracy and gain are measured on: `greedy`.
        sampled_temperature: Temperature of the sampled completions; None without any.
        max_tokens: Longest completion.
        reasoning_effort: As in the recipe.
    """

    accuracy: str
    sampled_temperature: float | None
    max_tokens: int
    reasoning_effort: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run found. What the run did not come to is None or empty.

    Args:
        run_id: The run.
        environment: Where it ran.
        outcome: One of `Outcome`.
        reason: One line about it.
        started: ISO 8601, UTC.
        ended: ISO 8601, UTC.
        recipe: The recipe as given.
        base_model: Customization id of the base model.
        stand_in: Model that was really trained, when it is not the base model.
        held_out_prompts: Number of held-out prompts.
        base: The base model.
        candidate: The trained model.
        live: The line's live release, as it was when the run was planned.
        guards: Guard set -> both models on it.
        release: The release of the line that the candidate became.
        gain: Candidate against base.
        relative_gain: `gain.absolute` divided by the base's accuracy; None when that is 0.
        error_reduction: Share of the base's errors that are gone; None when it made none.
        chance_accuracy: Accuracy of guessing, from the recipe.
        success_at: Reward from which a completion counts as right.
        decoding: How completions were drawn.
        samples_per_prompt: Sampled completions a prompt.
        held_out_uses: Earlier runs evaluated on the same held-out set.
        certificates: Split -> verdict of the reward's certificate on it.
        preflight: What Plan's preflight found.
        estimate: What the run was expected to use, as ranges: by Plan, and again once Probe left rows out.
        used: What the run used as far as its reward function saw it, as ranges with certain low ends.
        gate_power: What the gate could show with the held-out prompts.
        data: What Validate found in the datasets.
        probe: How the base model did on the training prompts.
        decision: What the gate decided, with its numbers.
        steps: Training steps.
        asked_used: Hyperparameters asked and used; empty where Bedrock itself trained.
        seconds: Wall-clock seconds of each workflow state.
        peak_memory_mb: Highest memory of the embedded trainer, MiB.
        examples: At most two of each kind.
        schema_version: Version of this schema.
    """

    run_id: str
    environment: str
    outcome: str | None
    reason: str | None
    started: str
    ended: str | None
    recipe: dict[str, Any]
    base_model: str | None
    stand_in: str | None = None
    held_out_prompts: int | None = None
    base: Measures | None = None
    candidate: Measures | None = None
    live: Measures | None = None
    guards: dict[str, Guard] = {}
    release: int | None = None
    gain: Gain | None = None
    relative_gain: float | None = None
    error_reduction: float | None = None
    chance_accuracy: float | None = None
    success_at: float | None = None
    decoding: Decoding | None = None
    samples_per_prompt: int | None = None
    held_out_uses: int | None = None
    certificates: dict[str, str] = {}
    preflight: list[Finding] = []
    estimate: Usage | None = None
    used: Usage | None = None
    gate_power: GatePower | None = None
    data: Data | None = None
    probe: ProbeResult | None = None
    decision: Decision | None = None
    steps: list[Step] = []
    asked_used: list[AskedUsed] = []
    seconds: dict[str, float] = {}
    peak_memory_mb: float | None = None
    examples: list[Example] = []
    schema_version: int = SCHEMA_VERSION


def build_report(bucket: DataBucket, record: RunRecord) -> Report:
    """Build a run's report from what there is of it."""
    try:
        recipe = Recipe.from_json(record.recipe)
    except ValueError:
        recipe = None
    output = TrainingOutput()
    if record.job_arn is not None:
        output = read_training_output(bucket, record.keys.job_output, record.job_arn)
    held_out = record.datasets.get("held_out")
    report = Report(
        run_id=record.run_id,
        environment=record.environment,
        outcome=record.outcome,
        reason=record.reason,
        started=record.started.isoformat(),
        ended=None if record.ended is None else record.ended.isoformat(),
        recipe=record.recipe,
        base_model=None if recipe is None else recipe.base_model,
        stand_in=output.embedded.stand_in,
        held_out_prompts=None if held_out is None else held_out.rows,
        held_out_uses=record.held_out_uses,
        release=record.release,
        certificates=record.certificates,
        preflight=record.preflight,
        estimate=record.estimate,
        used=record.used,
        gate_power=record.gate_power,
        data=read_data(bucket, record),
        probe=read_probe(bucket, record),
        decision=read_decision(bucket, record),
        steps=output.steps,
        asked_used=output.embedded.asked_used,
        seconds=phase_seconds(record),
        peak_memory_mb=output.embedded.peak_memory_mb,
    )
    evaluations = read_evaluations(bucket, record)
    evaluation = evaluations.pop(HELD_OUT, None)
    if recipe is None:
        return report
    guards = _guards(evaluations, recipe.gate.success_at)
    report = msgspec.structs.replace(report, guards=guards, **_gate_facts(recipe))
    if evaluation is None or not evaluation.complete:
        return report
    lines = open_lines(bucket.open(record.keys.data("held_out")))[0]
    return msgspec.structs.replace(report, **_findings(evaluation, recipe.gate.success_at, lines))


def _guards(evaluations: Mapping[str, Evaluation], success_at: float) -> dict[str, Guard]:
    """Measure both models on every guard set that was evaluated to its end."""
    return {
        name: Guard(
            prompts=evaluation.prompts,
            base=measures(evaluation, evaluation.base, success_at),
            candidate=measures(evaluation, evaluation.candidate, success_at),
        )
        for name, evaluation in evaluations.items()
        if evaluation.is_complete
    }


def phase_seconds(record: RunRecord) -> dict[str, float]:
    """Return the seconds between entering each state and entering the next, or the end."""
    entered = sorted(record.stages.items(), key=lambda item: item[1])
    moments = [*(time for _, time in entered), record.ended]
    return {
        name: round((end - start).total_seconds(), 3)
        for (name, start), end in zip(entered, moments[1:], strict=True)
        if end is not None and end >= start
    }


def encode_report(report: Report) -> bytes:
    """Return `report.json`."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def decode_report(body: bytes) -> Report:
    """Read `report.json`."""
    return msgspec.json.decode(body, type=Report)


def _gate_facts(recipe: Recipe) -> dict[str, Any]:
    samples = recipe.gate.samples_per_prompt
    return {
        "chance_accuracy": recipe.gate.chance_accuracy,
        "success_at": recipe.gate.success_at,
        "samples_per_prompt": samples,
        "decoding": Decoding(
            accuracy="greedy",
            sampled_temperature=recipe.gate.temperature if samples else None,
            max_tokens=recipe.hyperparameters.inferenceMaxTokens,
            reasoning_effort=recipe.hyperparameters.reasoningEffort,
        ),
    }


def _findings(evaluation: Evaluation, success_at: float, lines: Iterator[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = {"held_out_prompts": evaluation.prompts}
    if BASE in evaluation.complete:
        found["base"] = measures(evaluation, evaluation.base, success_at)
    if CANDIDATE in evaluation.complete:
        found["candidate"] = measures(evaluation, evaluation.candidate, success_at)
    if LIVE in evaluation.complete:
        found["live"] = measures(evaluation, evaluation.arms[LIVE], success_at)
    if evaluation.is_complete:
        base, compared = found["base"].accuracy, gain(evaluation, success_at)
        found["gain"] = compared
        found["relative_gain"] = compared.absolute / base if base > 0 else None
        found["error_reduction"] = compared.absolute / (1 - base) if base < 1 else None
        found["examples"] = list(choose_examples(evaluation, success_at, lines))
    return found
