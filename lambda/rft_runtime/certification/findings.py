"""Counting failures until a check can be written."""

from dataclasses import dataclass, field

from rft_runtime.certificate import MOST_FINDINGS, Check, Finding, Verdict
from rft_runtime.certification.probe import Probe
from rft_runtime.certification.row import Row
from rft_runtime.statistics import wilson_interval

TOLERATED_SHARE = 0.005
"""Share of rows that may fail for reasons of their own, such as an unreadable reference; each is listed."""

NONE = -1.0
"""No failure is tolerated."""

_QUOTED = 120


def is_beyond(failed: int, tried: int, tolerated: float = TOLERATED_SHARE) -> bool:
    """Whether failures are more than a tolerated share and chance: the lower 95 % bound (Wilson) lies above it."""
    return failed > 0 and wilson_interval(failed, tried).low > tolerated


@dataclass
class Tally:
    """How often something was tried and failed.

    Args:
        name: Of the check.
        demand: What is asked, for the summary: `right answers score at least 0.9`.
        tolerated: Share that may fail, or `NONE`.
    """

    name: str
    demand: str
    tolerated: float = TOLERATED_SHARE
    tried: int = 0
    failed: int = 0
    findings: list[Finding] = field(default_factory=list)

    def passes(self) -> None:
        """Count a success."""
        self.tried += 1

    def fails(self, what: str, row: Row | None, probe: Probe | None = None, score: float | None = None) -> None:
        """Count a failure and keep the first ones."""
        self.tried += 1
        self.failed += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(
                Finding(
                    what=what,
                    row=None if row is None else row.line,
                    probe=None if probe is None else probe.name,
                    score=None if score is None else round(score, 4),
                    completion=quoted(probe) if probe is not None else None,
                )
            )

    def check(self) -> Check:
        """Return the check, of at least one try."""
        failed = self.failed > 0 if self.tolerated == NONE else is_beyond(self.failed, self.tried, self.tolerated)
        counted = f"{self.failed} of {self.tried} failed" if self.failed else f"all {self.tried}"
        return Check(
            name=self.name,
            verdict=Verdict.FAILED if failed else Verdict.PASSED,
            summary=f"{self.demand}: {counted}",
            tried=self.tried,
            failed=self.failed,
            findings=tuple(self.findings),
        )


def quoted(probe: Probe) -> str | None:
    """Return the head of a completion on one line; None when it may not be quoted."""
    if not probe.quotable:
        return None
    text = probe.turn.text or (str(list(probe.turn.tool_calls)) if probe.turn.tool_calls else "")
    line = " ⏎ ".join(text.splitlines())
    return line if len(line) <= _QUOTED else line[: _QUOTED - 1] + "…"
