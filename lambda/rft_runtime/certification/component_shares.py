"""Which component of a reward pulls: its share of the reward's variance among completions of one prompt.

Group-relative advantages are (R - mean R) / sd R within a prompt's completions, so a component moves the model by how
it varies there together with the reward, not by its weight. With y_c what component c contributes to R,

    share_c = cov(y_c, R) / var(R) within a prompt, averaged over the prompts where R varies.

It is negative for a component that rises where the reward falls. Where the y_c add up to R, the shares add up to 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.reward_spec import RewardSpec
from rft_runtime.certification.prompt_groups import MOST_COMPONENTS, Scored

_ROUNDING = 1e-9
_LEAST_VARIANCE = 1e-12
_LOWER_WORTH = 0.5
"""As `rft_rewards.compose` counts a perfect lower level, in steps of the level above."""


def component_shares(spec: RewardSpec | None, groups: Iterable[Sequence[Scored]]) -> dict[str, float]:
    """Return component -> share, the 16 largest ones first; empty where the reward reports none or never varies.

    A composition's y_c is exactly what each part adds to the reward: see `Composition.contributions`. Of any other
    reward no weights are known, and y_c = b x_c with the weight b that fits R best by x_c alone. Its share is then the
    squared correlation of x_c and R: such shares overlap, so they do not add up to 1, and they have no sign. A
    completion that does not report x_c counts as the mean of those that do.

    The completions are the certificate's probes, which vary what is right more than how it is put. In training the
    policy's own completions decide.

    Args:
        spec: What the reward is made of; None for its author's own code.
        groups: Completions by prompt.
    """
    composition = Composition(spec.options) if spec is not None and spec.grader == "compose" else None
    totals: dict[str, float] = {}
    count = 0
    for group in groups:
        rewards = [scored.value for scored in group]
        if not any(scored.components for scored in group) or _covariance(rewards, rewards) < _LEAST_VARIANCE:
            continue
        count += 1
        for name, share in (_explained(group) if composition is None else composition.shares(group)).items():
            totals[name] = totals.get(name, 0.0) + share
    ordered = sorted(totals.items(), key=lambda item: -item[1])
    # Adding 0 makes a negative zero positive.
    return {name: round(total / count, 4) + 0.0 for name, total in ordered[:MOST_COMPONENTS]}


class _Part(msgspec.Struct, frozen=True):
    """What decides how a part of a composition counts; the keys are `compose`'s own."""

    weight: float | None = None
    gate: float | None = None
    level: int = 1
    clamp: tuple[float, float] = (0.0, 1.0)

    @property
    def pay(self) -> float:
        """Return the weight; a gate that names none has none."""
        return self.weight if self.weight is not None else float(self.gate is None)

    def counted(self, value: float) -> float:
        """Return what a value counts."""
        low, high = self.clamp
        return min(1.0, max(0.0, (value - low) / (high - low)))


class Composition:
    """How the parts of a `compose` reward add up.

    Args:
        options: The grader's.

    Raises:
        ValueError: When they are not `compose`'s.
    """

    def __init__(self, options: JsonObject) -> None:
        try:
            self._parts = msgspec.convert(options.get("graders"), dict[str, _Part])
            self._steps = msgspec.convert(options.get("steps", 10), int)
        except msgspec.ValidationError as error:
            raise ValueError(f"grader compose: {error}") from None
        self._levels = sorted({part.level for part in self._parts.values() if part.pay})

    def shares(self, group: Sequence[Scored]) -> dict[str, float]:
        """Return part -> share within one prompt, whose rewards vary."""
        rewards = [scored.value for scored in group]
        contributions = self.contributions([scored.components for scored in group])
        variance = _covariance(rewards, rewards)
        return {name: _covariance([one[name] for one in contributions], rewards) / variance for name in self._parts}

    def contributions(self, completions: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
        """Return what each part adds to the reward of each completion of one prompt: together they are the reward.

        * Within a level a part adds what the level is worth, in proportion to weight times clamped value. In one level
          that is w_c v_c / sum of w. A level that counts in whole steps is worth the steps it reached.
        * An optional part without a grade adds nothing, since the others take over its weight.
        * A completion that a gate refuses is worth 0, and its other parts were not asked. Each part adds its mean over
          the prompt's other completions, and the gate that refused takes all of that away. So the gate gets the
          variance between refused and other completions, and the parts that among the others.

        Args:
            completions: The values of the parts, before clamping.
        """
        refused = [self._refused_by(values) for values in completions]
        paid = [self._paid(values) for values, gate in zip(completions, refused, strict=True) if gate is None]
        means = {name: _mean([one[name] for one in paid]) for name in self._parts}
        left = iter(paid)
        return [
            next(left) if gate is None else {**means, gate: means[gate] - math.fsum(means.values())} for gate in refused
        ]

    def _refused_by(self, values: Mapping[str, float]) -> str | None:
        """Return the gate that a completion did not pass."""
        for name, part in self._parts.items():
            if part.gate is not None and name in values and part.counted(values[name]) < part.gate - _ROUNDING:
                return name
        return None

    def _paid(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return what each part adds to a completion that passed every gate."""
        added = dict.fromkeys(self._parts, 0.0)
        scale = 1.0
        for level in self._levels:
            parts = {name: part for name, part in self._parts.items() if part.level == level and name in values}
            weighted = {name: part.pay * part.counted(values[name]) for name, part in parts.items()}
            total = math.fsum(weighted.values())
            worth = total / (math.fsum(part.pay for part in parts.values()) or 1.0)
            if level != self._levels[-1]:
                scale /= self._steps + _LOWER_WORTH
                worth = math.floor(worth * self._steps + _ROUNDING)
            for name, value in weighted.items():
                added[name] = scale * worth * value / (total or 1.0)
            scale *= _LOWER_WORTH
        return added


def _explained(group: Sequence[Scored]) -> dict[str, float]:
    """Return component -> squared correlation with the reward, within one prompt whose rewards vary."""
    rewards = [scored.value for scored in group]
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for scored in group for name in scored.components):
        usual = _mean([scored.components[name] for scored in group if name in scored.components])
        values = [scored.components.get(name, usual) for scored in group]
        largest = max(abs(value) for value in values) or 1.0
        values = [value / largest for value in values]  # so that squares of what an author reports stay finite
        spread = _covariance(values, values)
        shared = _covariance(values, rewards)
        is_constant = spread < _LEAST_VARIANCE
        found[name] = 0.0 if is_constant else min(1.0, shared**2 / (spread * _covariance(rewards, rewards)))
    return found


def _covariance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the mean product of deviations."""
    one, other = _mean(first), _mean(second)
    return _mean([(x - one) * (y - other) for x, y in zip(first, second, strict=True)])


def _mean(values: Sequence[float]) -> float:
    """Return the mean; of nothing 0."""
    return math.fsum(values) / len(values) if values else 0.0
