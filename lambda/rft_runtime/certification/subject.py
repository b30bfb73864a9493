"""What is certified, and how strictly."""

from dataclasses import dataclass

from rft_contract.reward_spec import RewardSpec
from rft_runtime.certificate import Thresholds
from rft_runtime.certification.kind import Kind
from rft_runtime.certification.kinds import OWN, kind_of
from rft_runtime.reward_calls import EVENT_BYTES

_REPEATED_ROWS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A deployed reward.

    Args:
        reward: Its name.
        spec: What it is made of; None for its author's own code.
        environment: Where it is deployed.
        reward_hash: Of sources, lock file and options.
        code_sha256: Of the deployed code.
    """

    reward: str
    spec: RewardSpec | None
    environment: str
    reward_hash: str
    code_sha256: str

    def kind(self) -> Kind:
        """Return what is known of its grader.

        Raises:
            ValueError: When its options are not the grader's.
        """
        return kind_of(OWN, {}) if self.spec is None else kind_of(self.spec.grader, self.spec.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """How strictly; None stands for the kind's own default.

    Args:
        pass_at: The least that a right completion must score.
        margin: The least by which it must beat a wrong one.
        sample: Rows that are tried with renderings and hacks: with 300, a fault in 1 % of the rows shows itself with
            95 % probability (1 - 0.99^300).
        budget: Completions that a grader which costs money may be asked about.
        event_bytes: Bytes of the largest event that is tried; below Lambda's 6 MB by a margin.
        timed: Whether the function's time is measured.
        most_sd: The largest standard deviation that repeated judgements of one completion may have.
    """

    pass_at: float | None = None
    margin: float | None = None
    sample: int = 300
    budget: int = 1000
    event_bytes: int = EVENT_BYTES
    timed: bool = True
    most_sd: float = 0.15

    def thresholds(self, kind: Kind) -> Thresholds:
        """Return what is demanded of a kind."""
        return Thresholds(
            pass_at=kind.pass_at if self.pass_at is None else self.pass_at,
            margin=kind.margin if self.margin is None else self.margin,
        )

    def repeated_rows(self, kind: Kind) -> int:
        """Return on how many rows completions are graded again; of a paid grader, for a quarter of the budget."""
        return max(1, min(_REPEATED_ROWS, self.budget // 40)) if kind.noisy else _REPEATED_ROWS
