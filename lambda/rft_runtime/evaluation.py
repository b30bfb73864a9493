"""What Evaluate found: several models on the same prompts, paired by prompt."""

from collections.abc import Mapping, Sequence
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
        groups: Row -> its group, where it has one.
    """

    greedy: dict[int, GradedCompletion] = field(default_factory=dict)
    sampled: dict[int, list[GradedCompletion]] = field(default_factory=dict)

    groups: dict[int, str] = field(default_factory=dict)

    def add(self, mode: str, completions: Sequence[GradedCompletion]) -> None:
        """Add a shard's completions."""
        for completion in completions:
            if completion.group is not None:
                self.groups[completion.row] = completion.group
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

    def completions(self) -> list[GradedCompletion]:
        """Return all completions."""
        return [*self.greedy.values(), *(item for group in self.sampled.values() for item in group)]

    def invalid_share(self) -> float:
        """Return the share of completions without a grade."""
        completions = self.completions()
        return sum(item.reward is None for item in completions) / len(completions) if completions else 0.0

    def mean_tokens(self) -> float | None:
        """Return the mean number of completion tokens, of those that were answered."""
        tokens = [item.tokens_out for item in self.completions() if item.stop_reason]
        return mean(tokens) if tokens else None

    def mean_component(self, name: str) -> float | None:
        """Return the mean of a named component, of the completions that have it."""
        values = [item.components[name] for item in self.completions() if name in item.components]
        return mean(values) if values else None


@dataclass(frozen=True)
class Evaluation:
    """Several models on one dataset.

    Args:
        prompts: Number of prompts; their rows are 0 to `prompts - 1`.
        mode: Which completions are compared: sampled ones where there are any.
        arms: Subject -> its arm.
        complete: Subjects of which every shard was evaluated.
    """

    prompts: int
    mode: str
    arms: Mapping[str, Arm]
    complete: frozenset[str]

    @property
    def base(self) -> Arm:
        """The base model's arm."""
        return self.arms[BASE]

    @property
    def candidate(self) -> Arm:
        """The candidate's arm."""
        return self.arms[CANDIDATE]

    @property
    def is_complete(self) -> bool:
        """Whether every model was evaluated on every shard, base and candidate among them."""
        return {BASE, CANDIDATE, *self.arms} <= self.complete


@dataclass(frozen=True)
class PairedGains:
    """Gain in reward of every prompt: one model minus another.

    Args:
        gains: One value a prompt. Where a side has no grade the pair is kept by worst case: a missing candidate gets
            the lowest reward seen in the evaluation, a missing other the highest.
        missing_share: Share of the prompts for which that was necessary.
        groups: One value a prompt: what it shares with others of its source; without a group, the prompt itself.
        graded_mean: Mean gain over the pairs alone of which both sides have a grade; None: there is no such pair.
    """

    gains: tuple[float, ...]
    missing_share: float
    groups: tuple[str, ...]
    graded_mean: float | None = None


def paired_gains(evaluation: Evaluation, *, over: str = BASE) -> PairedGains:
    """Pair the candidate with another model by prompt, in the evaluation's mode.

    Args:
        evaluation: Of one dataset.
        over: The other model.
    """
    rows = range(evaluation.prompts)
    other, candidate = evaluation.arms[over], evaluation.candidate
    before = [other.reward(row, evaluation.mode) for row in rows]
    after = [candidate.reward(row, evaluation.mode) for row in rows]
    groups = tuple(candidate.groups.get(row) or other.groups.get(row) or f"row {row}" for row in rows)
    seen = [reward for reward in (*before, *after) if reward is not None]
    if not seen:
        return PairedGains((0.0,) * evaluation.prompts, 1.0, groups)
    worst, best = min(seen), max(seen)
    gains = tuple(
        (worst if late is None else late) - (best if early is None else early)
        for early, late in zip(before, after, strict=True)
    )
    graded = [late - early for early, late in zip(before, after, strict=True) if early is not None and late is not None]
    missing = evaluation.prompts - len(graded)
    return PairedGains(gains, missing / evaluation.prompts, groups, mean(graded) if graded else None)


def read_evaluations(bucket: DataBucket, record: RunRecord) -> dict[str, Evaluation]:
    """Read a run's graded completions: dataset -> its evaluation; empty when the run never came to its manifest."""
    manifest = bucket.find(record.keys.shards)
    shards = [] if manifest is None else decode_shards(manifest[0])
    by_data: dict[str, list[Shard]] = {}
    for shard in shards:
        by_data.setdefault(shard.data, []).append(shard)
    return {data: read_evaluation(bucket, record, shards) for data, shards in by_data.items()}


def read_evaluation(bucket: DataBucket, record: RunRecord, shards: Sequence[Shard]) -> Evaluation:
    """Read what became of the shards of one dataset.

    Args:
        bucket: The data bucket.
        record: The run.
        shards: At least one.
    """
    arms: dict[str, Arm] = {shard.subject: Arm() for shard in shards}
    incomplete = set()
    for shard in shards:
        found = bucket.find(record.keys.graded(shard.data, shard.subject, shard.mode, shard.shard))
        if found is None:
            incomplete.add(shard.subject)
        else:
            arms[shard.subject].add(shard.mode, decode_graded(found[0]))
    first = shards[0]
    return Evaluation(
        prompts=sum(shard.rows for shard in shards if (shard.subject, shard.mode) == (first.subject, first.mode)),
        mode=SAMPLED if any(shard.mode == SAMPLED for shard in shards) else GREEDY,
        arms=arms,
        complete=frozenset(arms) - incomplete,
    )
