"""What was observed of an assumption."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What an observation says."""

    HOLDS = "holds"
    FALSE = "does not hold"
    UNSEEN = "could not be observed"


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One assumption, looked at once.

    Args:
        assumption: Its id.
        verdict: What was found.
        evidence: What was seen, or why nothing was; names and counts, no text of a prompt or completion.
    """

    assumption: str
    verdict: Verdict
    evidence: str


def holds(assumption: str, when: bool, evidence: str) -> Observation:
    """Return an observation that settles the question one way or the other."""
    return Observation(assumption=assumption, verdict=Verdict.HOLDS if when else Verdict.FALSE, evidence=evidence)


def unseen(assumption: str, why: str) -> Observation:
    """Return an observation that settles nothing."""
    return Observation(assumption=assumption, verdict=Verdict.UNSEEN, evidence=why)
