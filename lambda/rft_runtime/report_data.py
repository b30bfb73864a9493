"""What a run's report says of its data: the findings of Validate, counted."""

import msgspec

from rft_dataset.findings import Severity
from rft_dataset.rules import RULES
from rft_runtime.data_bucket import DataBucket
from rft_runtime.run_record import RunRecord


class FoundCode(msgspec.Struct, frozen=True, kw_only=True):
    """How often Validate found something.

    Args:
        code: Name of the rule.
        severity: `error`, `warning` or `advice`.
        count: Number of findings, in all datasets and between them.
    """

    code: str
    severity: Severity
    count: int


class StepRange(msgspec.Struct, frozen=True, kw_only=True):
    """Training steps that are left when Bedrock drops the prompts that are too long, and Probe those always solved.

    Args:
        fewest: When every prompt that may be too long is.
        most: When none of them is.
    """

    fewest: int
    most: int

    def words(self) -> str:
        """Return the range as people say it."""
        return f"{self.fewest:,}" if self.fewest == self.most else f"{self.fewest:,} to {self.most:,}"


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What Validate found in a run's datasets.

    Args:
        rows: Split -> rows, good or bad.
        steps: Training steps that are left; None: unknown.
        found: Findings by code, the worst first.
        findings: Address of `findings.json`, which names lines and says what to do.
    """

    rows: dict[str, int]
    steps: StepRange | None = None
    found: list[FoundCode] = []
    findings: str


class _Counts(msgspec.Struct):
    counts: dict[str, int]


class _Dataset(_Counts):
    rows: int


class _Findings(msgspec.Struct):
    datasets: dict[str, _Dataset]
    across: _Counts


def read_data(bucket: DataBucket, record: RunRecord) -> Data | None:
    """Return what Validate found; None when the run did not come to it, or another version of the platform ran it."""
    stored = bucket.find(record.keys.findings)
    if stored is None:
        return None
    try:
        found = msgspec.json.decode(stored[0], type=_Findings)
    except msgspec.MsgspecError:
        return None
    counts: dict[str, int] = {}
    for part in (*found.datasets.values(), found.across):
        for code, count in part.counts.items():
            counts[code] = counts.get(code, 0) + count
    order = list(Severity)
    codes = [FoundCode(code=code, severity=_severity(code), count=count) for code, count in counts.items()]
    steps = None if record.estimate is None else record.estimate.steps
    return Data(
        rows={split: dataset.rows for split, dataset in found.datasets.items()},
        steps=None if steps is None else StepRange(fewest=int(steps.low), most=int(steps.high)),
        found=sorted(codes, key=lambda item: (order.index(item.severity), -item.count, item.code)),
        findings=bucket.address(record.keys.findings),
    )


def _severity(code: str) -> Severity:
    rule = RULES.get(code)
    return rule[0] if rule else Severity.WARNING
