"""What Plan must know of a reward function, as the stack that made it tells."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_needs import parts_of, services_of
from rft_contract.reward_spec import RewardSpec

_GATED = "verified_judge"
"""The judge that is asked only about completions that pass another grader."""


@dataclass(frozen=True, kw_only=True)
class JudgeFacts:
    """One judge among a reward's graders.

    Args:
        samples: How often it is asked about each completion.
        max_tokens: Its longest answer.
        rubric_bytes: Size of the rubric that goes with each question.
        always: Whether it is asked about every completion; else only about those that pass another grader.
    """

    samples: int = 1
    max_tokens: int = 1024
    rubric_bytes: int = 0
    always: bool = True


@dataclass(frozen=True, kw_only=True)
class RewardFacts:
    """A reward function.

    Args:
        floor: Lowest reward. None: unknown, as for a function of another stack.
        ceiling: Highest reward. None: unknown.
        memory_mib: The function's memory. None: unknown.
        runs_programs: Whether it executes programs.
        judges: The judges among its graders.
        reserved_concurrency: Calls at once that are set aside for it. None: none.
    """

    floor: float | None = None
    ceiling: float | None = None
    memory_mib: int | None = None
    runs_programs: bool = False
    judges: tuple[JudgeFacts, ...] = ()
    reserved_concurrency: int | None = None

    @property
    def span(self) -> float | None:
        """Width of the reward's range; None: unknown."""
        return None if self.floor is None or self.ceiling is None else self.ceiling - self.floor

    @classmethod
    def of(
        cls, spec: RewardSpec | None, *, memory_mib: int | None = None, reserved_concurrency: int | None = None
    ) -> "RewardFacts":
        """Return the facts of a reward.

        Args:
            spec: What it is made of. None: its author's own handler.
            memory_mib: The function's memory.
            reserved_concurrency: Calls set aside for it.

        Raises:
            ValueError: When the spec names a grader that there is not.
        """
        if spec is None:
            return cls(memory_mib=memory_mib, reserved_concurrency=reserved_concurrency)
        services = services_of(spec)
        return cls(
            floor=spec.floor,
            ceiling=spec.ceiling,
            memory_mib=memory_mib,
            runs_programs="runner" in services,
            judges=tuple(_judge(grader, options) for grader, options in parts_of(spec, service="judge")),
            reserved_concurrency=reserved_concurrency,
        )

    @classmethod
    def from_json(cls, value: JsonValue) -> "RewardFacts":
        """Read what `to_json` wrote."""
        if not isinstance(value, dict):
            raise ValueError(f"reward facts: got {type(value).__name__}, wanted a mapping")
        data: dict[str, Any] = dict(value)
        return cls(**{**data, "judges": tuple(JudgeFacts(**judge) for judge in data.get("judges", ()))})

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return {**asdict(self), "judges": [asdict(judge) for judge in self.judges]}


def _judge(grader: str, options: Mapping[str, JsonValue]) -> JudgeFacts:
    """Return what a judge's options say; the grader itself refuses those of the wrong form."""
    samples, longest, rubric = options.get("samples"), options.get("max_tokens"), options.get("rubric")
    defaults = JudgeFacts()
    return JudgeFacts(
        samples=samples if isinstance(samples, int) else defaults.samples,
        max_tokens=longest if isinstance(longest, int) else defaults.max_tokens,
        rubric_bytes=len(rubric.encode()) if isinstance(rubric, str) else 0,
        always=grader != _GATED,
    )
