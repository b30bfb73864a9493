"""What a run is expected to use and its gate to show: written by Plan before anything is spent."""

from collections.abc import Iterator

import msgspec

from rft_runtime.planning.quantity import NOTHING, Quantity, total


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of a run asks of a model and of the reward function.

    Args:
        rollouts: Completions, each graded once.
        tokens_in: Prompt tokens of all of them.
        tokens_out: Completion tokens of all of them.
    """

    rollouts: Quantity
    tokens_in: Quantity
    tokens_out: Quantity


class JudgeWork(msgspec.Struct, frozen=True, kw_only=True):
    """What the reward asks of its judges.

    Args:
        calls: Questions.
        tokens_in: Tokens of the questions.
        tokens_out: Tokens of the answers.
    """

    calls: Quantity = NOTHING
    tokens_in: Quantity = NOTHING
    tokens_out: Quantity = NOTHING


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What it costs by the environment's prices.

    Args:
        currency: Of all amounts.
        total: Sum of the units; what has no price is not in it.
        units: Unit -> its part.
        without_price: Units that the run touches and that have no price.
        old: Units whose price was read more than 90 days ago.
    """

    currency: str
    total: Quantity
    units: dict[str, Quantity]
    without_price: list[str] = []
    old: list[str] = []


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is expected to use.

    Args:
        steps: Training steps, without early stopping.
        parts: `training`, `validation`, `probe`, `base`, `candidate`, `live` -> its work; guard sets are in base and
            candidate.
        judge: What judges are asked by all parts and by Certify.
        grader_gb_seconds: Memory times time of the reward function. None: its memory is unknown.
        training_hours: Of the job: Bedrock says nothing about its length beforehand, so up to its deadline.
        deployment_hours: Of the candidate's deployment, up to the end of the execution's time.
        grader_calls_at_once: Calls of the reward function at once with which a step is graded within a minute, when
            grading is slow. None: not estimated.
        cost: By the environment's prices. None: it has none.
        assumptions: What the numbers rest on, one sentence each.
        warnings: Limits that only the high ends exceed, and prices that are old.
    """

    steps: Quantity
    parts: dict[str, Work]
    judge: JudgeWork
    grader_gb_seconds: Quantity | None
    training_hours: Quantity
    deployment_hours: Quantity
    grader_calls_at_once: int | None = None
    cost: Cost | None = None
    assumptions: list[str] = []
    warnings: list[str] = []

    @property
    def rollouts(self) -> Quantity:
        """Completions of all parts."""
        return total([work.rollouts for work in self.parts.values()])

    @property
    def tokens_in(self) -> Quantity:
        """Prompt tokens of all parts."""
        return total([work.tokens_in for work in self.parts.values()])

    @property
    def tokens_out(self) -> Quantity:
        """Completion tokens of all parts."""
        return total([work.tokens_out for work in self.parts.values()])

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what people want to read: a name and a range in words."""
        yield "training steps", self.steps.words()
        for name, work in self.parts.items():
            tokens = f"{work.tokens_in.words()} tokens in, {work.tokens_out.words()} out"
            yield name, f"{work.rollouts.words()} rollouts, {tokens}"
        if self.judge.calls.high:
            tokens = f"{self.judge.tokens_in.words()} tokens in, {self.judge.tokens_out.words()} out"
            yield "judge", f"{self.judge.calls.words()} calls, {tokens}"
        if self.grader_gb_seconds is not None:
            yield "reward function", f"{self.grader_gb_seconds.words()} GB-seconds"
        if self.grader_calls_at_once is not None:
            yield "reward concurrency", f"{self.grader_calls_at_once:,} calls at once grade a step within a minute"
        yield "training job", f"unknown; its deadline is {self.training_hours.high:g} h"
        yield "candidate deployment", f"at most {self.deployment_hours.high:g} h"
        if self.cost is not None:
            missing = f", without {', '.join(self.cost.without_price)}" if self.cost.without_price else ""
            yield "money", f"{self.cost.total.words()} {self.cost.currency}{missing}"


class GatePower(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate can show.

    Args:
        prompts: Held-out prompts.
        samples: Completions of each that are compared.
        level: Of the primary criterion: 0.05 divided by the candidates that this held-out set has seen, this one
            included.
        candidates: That many candidates.
        spread: Assumed standard deviation of the paired gains.
        smallest_gain: Smallest true gain above `min_gain` that passes with 80 % probability.
        needed: `min_gain` and that gain.
        span: Width of the reward's range. None: unknown, and 1 is assumed.
        warnings: Margins that even a candidate as good as the other model is likely to miss.
    """

    prompts: int
    samples: int
    level: float
    candidates: int = 1
    spread: float
    smallest_gain: float
    needed: float
    span: float | None = None
    warnings: list[str] = []

    def words(self) -> str:
        """Return what a person should know before the run."""
        range_ = "" if self.span is not None else "; the reward's range is unknown, 0 to 1 is assumed"
        return (
            f"with {self.prompts:,} held-out prompts, {self.samples} completions of each and level {self.level:.3g}, a "
            f"true gain of {self.needed:.3f} in mean reward passes four times in five{range_}{self._looked_at()}"
        )

    def _looked_at(self) -> str:
        """Say what earlier looks at the held-out set cost this candidate."""
        if self.candidates == 1:
            return ""
        return (
            f"; candidate {self.candidates} on this held-out set: the gate asks for {100 * (1 - self.level):.4g} % "
            "confidence"
        )
