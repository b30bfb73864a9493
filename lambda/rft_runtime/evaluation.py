"""What Evaluate found: two arms over the same held-out prompts, paired by prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rft_runtime.data_bucket import DataBucket
from rft_runtime.graded import GradedCompletion, decode_graded
from rft_runtime.run_record import RunRecord
from rft_runtime.shards import BASE, CANDIDATE, GREEDY, SAMPLED, Shard, decode_shards
from rft_runtime.statistics import mean


@dataclass(frozen=True)
class Arm:
    """One model's graded completions.

    Args:
        greedy: Row -> its greedy completion.
        sampled: Row -> its sampled completions.
    """

    greedy: dict[int, GradedCompletion] = field(default_factory=dict)
    sampled: dict[int, list[GradedCompletion]] = field(default_factory=dict)

    def add(self, mode: str, completions: Sequence[GradedCompletion]) -> None:
        """Add a shard's completions."""
        for completion in completions:
            if mode == GREEDY:
                self.greedy[completion.row] = completion
            else:
                self.sampled.setdefault(completion.row, []).append(completion)

    def reward(self, row: int, mode: str) -> float | None:
        """Return a prompt's mean valid reward, or None when nothing of it was graded."""
        completions = self.sampled.get(row, []) if mode == SAMPLED else [self.greedy[row]] if row in self.greedy else []
        rewards = [completion.reward for completion in completions if completion.reward is not None]
        return mean(rewards) if rewards else None

    def succeeds(self, row: int, success_at: float) -> bool:
        """Say whether a prompt's greedy completion is right; one without a grade is not."""
        completion = self.greedy.get(row)
        return completion is not None and completion.reward is not None and completion.reward >= success_at

    def sampled_successes(self, row: int, success_at: float) -> float:
        """Return the share of a prompt's sampled completions that are right."""
        completions = self.sampled.get(row, [])
        right = sum(item.reward is not None and item.reward >= success_at for item in completions)
        return right / len(completions) if completions else 0.0

    def invalid_share(self) -> float:
        """Return the share of completions without a grade."""
        completions = [*self.greedy.values(), *(item for group in self.sampled.values() for item in group)]
        return sum(item.reward is None for item in completions) / len(completions) if completions else 0.0


@dataclass(frozen=True)
class Evaluation:
    """Both arms.

    Args:
        prompts: Number of held-out prompts; their rows are 0 to `prompts - 1`.
        mode: Which completions the primary criterion uses: sampled ones where there are any.
        base: The base model's arm.
        candidate: The candidate's arm.
        complete: Subjects of which every shard was evaluated.
    """

    prompts: int
    mode: str
    base: Arm
    candidate: Arm
    complete: frozenset[str]

    @property
    def is_complete(self) -> bool:
        """Whether both models were evaluated on every shard."""
        return {BASE, CANDIDATE} <= self.complete


@dataclass(frozen=True)
class PairedGains:
    """Gain in reward of every prompt, candidate minus base.

    Args:
        gains: One value a prompt. Where a side has no grade the pair is kept by worst case: a missing candidate gets
            the lowest reward seen in the evaluation, a missing base the highest.
        missing_share: Share of the prompts for which that was necessary.
    """

    gains: tuple[float, ...]
    missing_share: float


def paired_gains(evaluation: Evaluation) -> PairedGains:
    """Pair the arms by prompt, in the evaluation's primary mode."""
    rows = range(evaluation.prompts)
    base = [evaluation.base.reward(row, evaluation.mode) for row in rows]
    candidate = [evaluation.candidate.reward(row, evaluation.mode) for row in rows]
    seen = [reward for reward in (*base, *candidate) if reward is not None]
    if not seen:
        return PairedGains(gains=(0.0,) * evaluation.prompts, missing_share=1.0)
    worst, best = min(seen), max(seen)
    gains = tuple(
        (worst if after is None else after) - (best if before is None else before)
        for before, after in zip(base, candidate, strict=True)
    )
    missing = sum(before is None or after is None for before, after in zip(base, candidate, strict=True))
    return PairedGains(gains=gains, missing_share=missing / evaluation.prompts)


def read_evaluation(bucket: DataBucket, record: RunRecord) -> Evaluation | None:
    """Read a run's graded completions; None when the run never came to its manifest."""
    manifest = bucket.find(record.keys.shards)
    if manifest is None:
        return None
    shards = decode_shards(manifest[0])
    arms = {BASE: Arm(), CANDIDATE: Arm()}
    incomplete = set()
    for shard in shards:
        found = bucket.find(record.keys.graded(shard.subject, shard.mode, shard.shard))
        if found is None:
            incomplete.add(shard.subject)
        else:
            arms[shard.subject].add(shard.mode, decode_graded(found[0]))
    return Evaluation(
        prompts=_prompts(shards),
        mode=SAMPLED if any(shard.mode == SAMPLED for shard in shards) else GREEDY,
        base=arms[BASE],
        candidate=arms[CANDIDATE],
        complete=frozenset(arms) - incomplete,
    )


def _prompts(shards: Sequence[Shard]) -> int:
    return sum(shard.rows for shard in shards if shard.subject == BASE and shard.mode == GREEDY)
