"""What a probe's rollouts say of the base model on the training prompts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from rft_runtime.graded import GradedCompletion
from rft_runtime.probing.group_gradient import pass_at_k, spread_shares
from rft_runtime.probing.weighted_bootstrap import Column, Estimate, estimates
from rft_runtime.statistics import mean

FEWEST_SOLVED = 8
"""Rollouts that must all have succeeded before a prompt counts as always solved."""

_TRUNCATED = "max_tokens"


@dataclass(frozen=True, kw_only=True)
class ProbedPrompt:
    """The rollouts of one prompt.

    Args:
        row: Its row in the frozen training set.
        weight: How many training rows it stands for.
        completions: Its rollouts, at least one; those without a grade are among them.
    """

    row: int
    weight: float
    completions: Sequence[GradedCompletion]

    @property
    def rewards(self) -> list[float]:
        """The rewards of the rollouts that have a grade."""
        return [item.reward for item in self.completions if item.reward is not None]

    @property
    def mean_reward(self) -> float | None:
        """The mean of those; None without any."""
        return mean(self.rewards) if self.rewards else None

    @property
    def invalid_share(self) -> float:
        """Share of the rollouts without a grade."""
        return 1 - len(self.rewards) / len(self.completions)

    @property
    def truncated_share(self) -> float | None:
        """Share of the answers that ended at the token limit; None without answers."""
        return mean([item.stop_reason == _TRUNCATED for item in self._answered]) if self._answered else None

    @property
    def tokens(self) -> float | None:
        """Mean length of the answers, tokens; None without answers."""
        return mean([item.tokens_out for item in self._answered]) if self._answered else None

    @property
    def _answered(self) -> list[GradedCompletion]:
        return [item for item in self.completions if item.stop_reason]

    def successes(self, success_at: float) -> int:
        """Return how many rollouts got at least a reward."""
        return sum(reward >= success_at for reward in self.rewards)

    def always_solved(self, success_at: float) -> bool:
        """Say whether at least eight rollouts all succeeded with the same reward: such a prompt teaches nothing."""
        rewards = self.rewards
        return len(rewards) >= FEWEST_SOLVED and min(rewards) >= success_at and len(set(rewards)) == 1


class ProbeMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The base model on the training prompts. Rollouts without a grade are in none of the shares but their own.

    Args:
        mean_reward: Mean reward.
        success: Share of rollouts that succeed: their reward is at least `success_at`.
        pass_at: k -> probability that at least one of k rollouts of a prompt succeeds.
        usable: Share of the job's groups that have a gradient: not all of their rewards are equal.
        all_zero: Share of prompts none of whose rollouts got a reward above 0.
        all_solved: Share of prompts all of whose rollouts succeeded.
        invalid: Share of rollouts without a grade.
        truncated: Share of answers that ended at the token limit; None without answers.
        tokens: Mean length of the answers, tokens; None without answers.
    """

    mean_reward: Estimate
    success: Estimate
    pass_at: dict[str, Estimate]
    usable: Estimate
    all_zero: Estimate
    all_solved: Estimate
    invalid: Estimate
    truncated: Estimate | None = None
    tokens: Estimate | None = None

    def shares(self) -> Iterator[tuple[str, Estimate]]:
        """Yield what the shares are called, and the shares."""
        yield "rollouts that succeed", self.success
        for k, estimate in self.pass_at.items():
            if k != "1":
                yield f"prompts solved in {k} tries (pass@{k})", estimate
        yield "groups with a gradient", self.usable
        yield "prompts without any reward", self.all_zero
        yield "prompts always solved", self.all_solved
        yield "rollouts without a grade", self.invalid
        if self.truncated is not None:
            yield "answers cut off at the token limit", self.truncated


def probed_prompts(completions: Iterable[GradedCompletion], weights: Mapping[int, float]) -> list[ProbedPrompt]:
    """Gather rollouts by prompt, by row.

    Args:
        completions: Of all prompts.
        weights: Row -> how many training rows it stands for.
    """
    by_row: dict[int, list[GradedCompletion]] = {}
    for completion in completions:
        by_row.setdefault(completion.row, []).append(completion)
    return [ProbedPrompt(row=row, weight=weights[row], completions=found) for row, found in sorted(by_row.items())]


def measure(prompts: Sequence[ProbedPrompt], *, success_at: float, group: int) -> ProbeMeasures | None:
    """Measure the base model on the probed prompts; None when no rollout was graded.

    Args:
        prompts: At least one.
        success_at: Reward from which a rollout counts as a success.
        group: Rollouts of one of the job's groups.
    """
    rewards = [reward for prompt in prompts for reward in prompt.rewards]
    if not rewards:
        return None
    counts = [len(prompt.rewards) for prompt in prompts]
    successes = [prompt.successes(success_at) for prompt in prompts]
    tried = list(zip(counts, successes, strict=True))
    lengths = [prompt.tokens for prompt in prompts]
    known = [length for length in lengths if length is not None]
    columns = {
        "mean_reward": Column([prompt.mean_reward for prompt in prompts], min(rewards), max(rewards)),
        "success": Column([right / count if count else None for count, right in tried]),
        "usable": Column(_usable(prompts, group)),
        "all_zero": Column([float(max(prompt.rewards) <= 0) if prompt.rewards else None for prompt in prompts]),
        "all_solved": Column([float(right == count) if count else None for count, right in tried]),
        "invalid": Column([prompt.invalid_share for prompt in prompts]),
        "truncated": Column([prompt.truncated_share for prompt in prompts]),
        "tokens": Column(lengths, min(known, default=0.0), max(known, default=0.0)),
    }
    tries = [2**exponent for exponent in range(max(counts).bit_length())]
    pass_at = {
        f"pass@{k}": Column([pass_at_k(count, right, k) if count >= k else None for count, right in tried])
        for k in tries
    }
    found = estimates({**columns, **pass_at}, [prompt.weight for prompt in prompts])
    return ProbeMeasures(
        pass_at={str(k): found.pop(f"pass@{k}") for k in tries},
        **found,
    )


def _usable(prompts: Sequence[ProbedPrompt], group: int) -> list[float | None]:
    """Return each prompt's share of groups with a gradient; None for a prompt without a grade."""
    graded = [prompt for prompt in prompts if prompt.rewards]
    rewards = [Counter(prompt.rewards) for prompt in graded]
    shares = iter(spread_shares(rewards, group, [prompt.weight for prompt in graded]))
    return [next(shares) if prompt.rewards else None for prompt in prompts]
