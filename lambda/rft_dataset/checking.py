"""The datasets of a run, each by itself and against the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject
from rft_contract.recipe_sections import GUARD
from rft_dataset.balance import Balance
from rft_dataset.findings import Finding, Findings, Severity
from rft_dataset.prompt_lengths import PromptLengths
from rft_dataset.references import References
from rft_dataset.row_marks import RowMarks
from rft_dataset.row_reader import RowReader
from rft_dataset.similar_prompts import Prompts
from rft_dataset.validation import Report, Split, validate

_COMPARED: Mapping[tuple[Split, Split], str] = {
    ("train", "validation"): "leak-validation-",
    ("train", "held_out"): "leak-",
    ("validation", "held_out"): "leak-",
}
"""Splits that are compared -> how the codes of what they share begin."""


@dataclass(frozen=True)
class Source:
    """A dataset that can be read once.

    Args:
        split: What it is for.
        name: What findings call it.
        stream: Its bytes, plain or gzip.
    """

    split: Split
    name: str
    stream: BinaryIO


@dataclass(frozen=True)
class Check:
    """What was found in a run's datasets.

    Args:
        reports: Split -> what was found in it.
        across: What the datasets share.
        facts: Split -> what else is worth knowing of it: lengths, labels, difficulties.
    """

    reports: Mapping[Split, Report]
    across: Findings
    facts: Mapping[Split, JsonObject]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All kept findings, the worst first, each dataset in its order."""
        every = [finding for report in self.reports.values() for finding in report.findings.stored]
        order = list(Severity)
        return tuple(sorted([*every, *self.across.stored], key=lambda finding: order.index(finding.severity)))

    def count(self, severity: Severity) -> int:
        """Return how many findings of a severity there are, kept or not."""
        within = sum(report.findings.severities[severity] for report in self.reports.values())
        return within + self.across.severities[severity]

    def by_rule(self) -> list[tuple[int, list[Finding]]]:
        """Return the kept findings of each code that was found, with the number of all, the worst codes first."""
        by_code: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_code.setdefault(finding.code, []).append(finding)
        counts = sum((report.findings.counts for report in self.reports.values()), self.across.counts)
        return [(counts[code], findings) for code, findings in by_code.items()]

    def to_json(self) -> JsonObject:
        """Return everything for programs."""
        datasets: JsonObject = {
            split: {**report.to_json(), "facts": self.facts[split]} for split, report in self.reports.items()
        }
        return {"valid": not self.count(Severity.ERROR), "datasets": datasets, "across": self.across.to_json()}


def check(
    sources: Sequence[Source],
    *,
    hyperparameters: Hyperparameters | None = None,
    characters_per_token: tuple[float, float] | None = None,
    readers: Callable[[Source], Sequence[RowReader]] = lambda source: (),
    tell: Callable[[str], None] = lambda words: None,
) -> Check:
    """Check datasets with everything that is known here.

    Args:
        sources: At most one of each split.
        hyperparameters: The job's, for lengths and steps. None: unknown.
        characters_per_token: As the base model itself counted, the least and the most. None: estimated.
        readers: Further ones for a dataset.
        tell: Told what is being done.
    """
    reports: dict[Split, Report] = {}
    facts: dict[Split, JsonObject] = {}
    prompts: dict[Split, Prompts] = {}
    marks: dict[Split, RowMarks] = {}
    balances: dict[Split, Balance] = {}
    for source in sources:
        tell(f"reading {source.name}")
        prompts[source.split], marks[source.split] = Prompts(source.name), RowMarks(source.name)
        balances[source.split] = Balance(source.name)
        seen: list[RowReader] = [
            prompts[source.split],
            marks[source.split],
            References(source.name),
            balances[source.split],
            PromptLengths(
                source.name,
                hyperparameters if source.split == "train" else None,
                characters_per_token=characters_per_token,
            ),
            *readers(source),
        ]
        reports[source.split] = validate(source.stream, source.name, split=source.split, readers=seen)
        facts[source.split] = {name: value for reader in seen for name, value in reader.facts().items()}
    tell("comparing")
    across = Findings()
    compared = {**_COMPARED, **{("train", split): "leak-" for split in reports if split.startswith(GUARD)}}
    for (first, second), prefix in compared.items():
        if first in reports and second in reports:
            across.extend(prompts[first].leaks_into(prompts[second], prefix=prefix))
            across.extend(marks[first].leaks_into(marks[second], prefix=prefix))
            if not second.startswith(GUARD):  # a guard set is another task
                across.extend(balances[first].differs_from(balances[second]))
    return Check(reports, across, facts)
