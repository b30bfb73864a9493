"""How the judge stand-in behaves."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """How the judge stand-in behaves; shares are from 0 to 1.

    Args:
        noise: Standard deviation of a grade when the same is asked again, as a share of the scale.
        verbosity_bias: What a completion of 300 words or more gains over an empty one, as a share of the scale.
        position_bias: What the answer that is shown first of two gains, as a share of the scale.
        throttled_share: Share of the requests that are throttled.
        malformed_share: Share of the answers that do not have the form that was demanded.
        seed: Of all this.
    """

    noise: float = 0.05
    verbosity_bias: float = 0.0
    position_bias: float = 0.0
    throttled_share: float = 0.0
    malformed_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("noise", "throttled_share", "malformed_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted 0 to 1")
        for name in ("verbosity_bias", "position_bias"):
            if not -1 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted -1 to 1")
