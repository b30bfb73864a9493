"""Decide: the evaluation, judged by the gate, written down."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from rft_contract.outcomes import Outcome, RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.evaluation import Evaluation, read_evaluations
from rft_runtime.gate import Decision, decide
from rft_runtime.graded import Drawn
from rft_runtime.held_out_ledger import HeldOutLedger
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from rft_runtime.platform import Platform
from rft_runtime.run_record import RunRecord
from rft_runtime.run_use import note_spent, note_use
from rft_runtime.shards import HELD_OUT


def decide_run(platform: Platform, run_id: str) -> Decision:
    """Judge a run's candidate and write `decision.json`.

    Raises:
        RunFailed: When the evaluation is incomplete.
    """
    record = platform.runs.enter(run_id, "Decide")
    evaluations = read_evaluations(platform.bucket, record)
    if HELD_OUT not in evaluations:
        raise RunFailed(f"the evaluation is incomplete: there is no manifest at {record.keys.shards}")
    frozen = read_prompt_sizes(platform.bucket.open(record.keys.data(HELD_OUT)))
    uses = HeldOutLedger(platform.bucket, frozen.digest).note(run_id)
    platform.runs.set(run_id, held_out_uses=uses)
    decision = decide(evaluations, record.parsed_recipe().gate, candidates=uses + 1)
    platform.bucket.write(record.keys.decision, msgspec.json.format(msgspec.json.encode(decision), indent=2))
    note_use(platform, note_spent(platform.runs, run_id, _drawn(evaluations.values())), datetime.now(UTC))
    return decision


def _drawn(evaluations: Iterable[Evaluation]) -> dict[str, Drawn]:
    """Return model -> what was drawn of it, over all sets."""
    drawn: dict[str, Drawn] = {}
    for evaluation in evaluations:
        for subject, arm in evaluation.arms.items():
            deque(drawn.setdefault(subject, Drawn()).counting(arm.completions()), maxlen=0)
    return drawn


def is_to_be_promoted(record: RunRecord, decision: Decision) -> bool:
    """Whether the candidate passed and its recipe wants it live."""
    return decision.outcome == Outcome.PASSED and record.parsed_recipe().promote


def read_decision(bucket: DataBucket, record: RunRecord) -> Decision | None:
    """Return a run's decision, or None when it never came to one."""
    found = bucket.find(record.keys.decision)
    return None if found is None else msgspec.json.decode(found[0], type=Decision)
