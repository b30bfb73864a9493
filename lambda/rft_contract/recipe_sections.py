"""The parts of a recipe."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar

from rft_contract.json_value import JsonValue

GUARD = "guard-"
"""How the split of a guard set begins."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_GUARD = re.compile(r"(?=.{1,24}$)[a-z0-9]+(-[a-z0-9]+)*")

_Section = TypeVar("_Section")


def section(kind: type[_Section], where: str, value: JsonValue) -> _Section:
    """Build the dataclass `kind` from a mapping, refusing unknown and missing keys by name.

    Args:
        kind: A dataclass.
        where: What the caller calls it.
        value: The mapping.

    Raises:
        ValueError: One line with the key, the value got and the value wanted.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where}: got {type(value).__name__}, wanted a mapping")
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # every section is a dataclass
    for name in value:
        if name not in known:
            raise ValueError(f"{where}.{name}: unknown key; known keys are {', '.join(known)}")
    try:
        return kind(**value)
    except TypeError as error:
        raise ValueError(f"{where}: {str(error).split(') ', 1)[-1].split('__() ', 1)[-1]}") from None


def _number(where: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{where}: got {value!r}, wanted a number from {low:g} to {high:g}")


def _numbers(where: str, value: object, low: float, high: float) -> None:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: got {type(value).__name__}, wanted a mapping of names to numbers")
    for name, number in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{where}: got the name {name!r}, wanted a text")
        _number(f"{where}.{name}", number, low, high)


def _whole(where: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{where}: got {value!r}, wanted a whole number from {low} to {high}")


def guard_split(name: str) -> str:
    """Return what a guard set is called among a run's datasets."""
    return f"{GUARD}{name}"


@dataclass(frozen=True, kw_only=True)
class Datasets:
    """Where the data lie: paths beside the recipe, or `s3://` addresses.

    Args:
        train: Training prompts, 100 to 20,000.
        held_out: Prompts that only Evaluate reads.
        validation: Prompts that the job scores every `evalInterval` steps. None: the job runs without.
        guards: Name -> prompts of what the model could do before and must not forget.
    """

    train: str
    held_out: str
    validation: str | None = None
    guards: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.guards, Mapping):
            raise ValueError(
                f"datasets.guards: got {type(self.guards).__name__}, wanted a mapping of names to datasets"
            )
        for name in self.guards:
            if not isinstance(name, str) or not _GUARD.fullmatch(name):
                raise ValueError(
                    f"datasets.guards: got the name {name!r}, wanted [a-z0-9]+(-[a-z0-9]+)*, at most 24 long"
                )
        given = {"train": self.train, "held_out": self.held_out, "validation": self.validation}
        given |= {f"guards.{name}": address for name, address in self.guards.items()}
        for where, value in given.items():
            if not (value is None and where == "validation") and (not isinstance(value, str) or not value):
                raise ValueError(f"datasets.{where}: got {value!r}, wanted a path or an s3:// address")

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return the (split, address) pairs that are set; the split of a guard set is `guard_split(name)`."""
        pairs = (("train", self.train), ("validation", self.validation), ("held_out", self.held_out))
        guards = ((guard_split(name), address) for name, address in self.guards.items())
        return (*((split, address) for split, address in pairs if address is not None), *guards)

    def at(self, addresses: Mapping[str, str]) -> "Datasets":
        """Return the same datasets with other addresses.

        Args:
            addresses: Split -> new address; the others stay.
        """
        moved = {**dict(self.items()), **addresses}
        return Datasets(
            train=moved["train"],
            held_out=moved["held_out"],
            validation=moved.get("validation"),
            guards={name: moved[guard_split(name)] for name in self.guards},
        )


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a candidate must show.

    Args:
        min_gain: The lower 95 % bound of the mean paired gain in reward must lie above it.
        success_at: A completion counts as right when its reward is at least this.
        samples_per_prompt: Sampled completions of each held-out prompt, beside one greedy.
        temperature: Sampling temperature of those.
        chance_accuracy: Accuracy of guessing, for the report. None: unknown.
        live_margin: By how much the candidate's mean reward may at most be shown to be able to lie below the live
            release's: the lower 95 % bound of the paired difference must lie above `-live_margin`.
        guards: Name of a guard set -> its margin, as for `live_margin`, against the base model. Sets that are not named
            here have a margin of 0.05.
        max_invalid_share: Share of the candidate's completions that may lack a grade.
        max_length_ratio: Mean completion tokens of the candidate, divided by the base model's, at most. None: no limit.
        min_component_ratios: Name of a component -> its mean for the candidate, divided by the base model's, at least.
    """

    min_gain: float = 0.0
    success_at: float = 1.0
    samples_per_prompt: int = 2
    temperature: float = 0.7
    chance_accuracy: float | None = None
    live_margin: float = 0.02
    guards: Mapping[str, float] = field(default_factory=dict)
    max_invalid_share: float = 0.02
    max_length_ratio: float | None = None
    min_component_ratios: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _number("gate.live_margin", self.live_margin, 0.0, 1e6)
        _number("gate.max_invalid_share", self.max_invalid_share, 0.0, 1.0)
        if self.max_length_ratio is not None:
            _number("gate.max_length_ratio", self.max_length_ratio, 0.01, 1e6)
        _numbers("gate.guards", self.guards, 0.0, 1e6)
        _numbers("gate.min_component_ratios", self.min_component_ratios, 0.0, 1e6)
        _number("gate.min_gain", self.min_gain, -1e6, 1e6)
        _number("gate.success_at", self.success_at, -1e6, 1e6)
        _whole("gate.samples_per_prompt", self.samples_per_prompt, 0, 64)
        _number("gate.temperature", self.temperature, 0.0, 1.0)
        if self.chance_accuracy is not None:
            _number("gate.chance_accuracy", self.chance_accuracy, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Certify:
    """What the reward must show before the job is paid for. Scores count from 0 (floor) to 1 (ceiling).

    Args:
        pass_at: The least that a right answer must score. None: what suits the reward's grader.
        margin: The least by which it must beat a wrong one. None: what suits the reward's grader.
        budget: Completions that a grader which costs money may be asked about, for each dataset.
    """

    pass_at: float | None = None
    margin: float | None = None
    budget: int = 1000

    def __post_init__(self) -> None:
        if self.pass_at is not None:
            _number("certify.pass_at", self.pass_at, 0.01, 1.0)
        if self.margin is not None:
            _number("certify.margin", self.margin, 0.01, 1.0)
        _whole("certify.budget", self.budget, 100, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the base model must show before a job is paid for. Shares count from 0 to 1.

    Args:
        prompts: Training prompts that are tried, drawn by strata; 0: no probe.
        samples: Rollouts of each. None: 8, or `trainingSamplePerPrompt` where that is more.
        temperature: Sampling temperature. What the job itself uses is not documented: see `docs/assumptions.md`.
        sft_below: Where even the upper end of the mean success lies below, the base model has nothing to build on.
        solved_above: Where even the lower end lies above, there is nothing left to learn.
        thin_below: Where the upper end of the share of groups with a gradient lies below, the report warns.
        drop_solved: Whether the job leaves out probed prompts that the base model always solves; at least 100 stay.
    """

    prompts: int = 200
    samples: int | None = None
    temperature: float = 1.0
    sft_below: float = 0.05
    solved_above: float = 0.95
    thin_below: float = 0.2
    drop_solved: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.drop_solved, bool):
            raise ValueError(f"probe.drop_solved: got {self.drop_solved!r}, wanted true or false")
        _whole("probe.prompts", self.prompts, 0, 20_000)
        if self.samples is not None:
            _whole("probe.samples", self.samples, 2, 64)
        _number("probe.temperature", self.temperature, 0.0, 1.0)
        for name in ("sft_below", "solved_above", "thin_below"):
            _number(f"probe.{name}", getattr(self, name), 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Training:
    """When a job is stopped before its end. A stopped job leaves no model, and what it did is billed.

    Args:
        max_invalid_share: Share of the last 500 or more graded rollouts that may be invalid, at two looks in a row that
            find new ones.
    """

    max_invalid_share: float = 0.05

    def __post_init__(self) -> None:
        _number("training.max_invalid_share", self.max_invalid_share, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Money:
    """An amount of money.

    Args:
        amount: In the currency.
        currency: Three capital letters, such as `USD`; the environment's prices must be in the same one.
    """

    amount: float
    currency: str

    def __post_init__(self) -> None:
        _number("limits.money.amount", self.amount, 0.01, 1e9)
        if not isinstance(self.currency, str) or not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"limits.money.currency: got {self.currency!r}, wanted three capital letters, such as USD")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may use at most; beyond it the run ends `OVER_LIMIT`.

    Plan refuses what exceeds a limit even at the low end of its estimate. Before and during the job, what the run has
    certainly used is held against them. Hours are held by the job's deadline.

    Args:
        hours: Wall-clock hours of the training job.
        rollouts: Training rollouts (prompts x epochs x trainingSamplePerPrompt). None: no limit.
        tokens: Prompt and completion tokens of all models but judges. None: no limit.
        judge_calls: Questions to judges. None: no limit.
        money: `{amount, currency}`; needs the price of every unit that the run touches. None: no limit.
    """

    hours: float = 24.0
    rollouts: int | None = None
    tokens: int | None = None
    judge_calls: int | None = None
    money: Money | None = None

    def __post_init__(self) -> None:
        _number("limits.hours", self.hours, 0.01, 72.0)
        for name in ("rollouts", "tokens", "judge_calls"):
            if getattr(self, name) is not None:
                _whole(f"limits.{name}", getattr(self, name), 1, 10**12)
        if self.money is not None and not isinstance(self.money, Money):
            object.__setattr__(self, "money", section(Money, "limits.money", self.money))
