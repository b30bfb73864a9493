"""A dataset as one page: what is in it, what was found in it, and what a job makes of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from markupsafe import Markup, escape

from rft_cli.cli_error import CliError
from rft_cli.report.dataset_charts import Bin, Panel, length_histogram
from rft_cli.report.drawing import CANDIDATE, SERIES, variable
from rft_cli.report.page import templates
from rft_contract.hyperparameters import Hyperparameters
from rft_dataset.checking import Check
from rft_dataset.findings import Finding, Severity
from rft_dataset.validation import Split
from rft_runtime.report_data import StepRange

_MOST_PLACES = 5
_MOST_VALUES = 30
_TONES = {Severity.ERROR: "bad", Severity.WARNING: "fair", Severity.ADVICE: "note"}
_COLOURS: Mapping[Split, str] = {"train": CANDIDATE, "validation": SERIES[4], "held_out": SERIES[3]}

_Value = str | int | float | bool


class _Counted(msgspec.Struct):
    """A label or difficulty as `Balance` tells it."""

    value: _Value
    rows: int


class _Bin(msgspec.Struct):
    """A bin as `PromptLengths` tells it."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    rows: int
    maybe_too_long: int
    too_long: int


class _Lengths(msgspec.Struct):
    """Percent -> length, and the histogram."""

    characters: dict[str, int]
    fewest_tokens: dict[str, int]
    most_tokens: dict[str, int]
    histogram: list[_Bin]


class _References(msgspec.Struct):
    """Type -> rows, and key -> share of the objects."""

    types: dict[str, int]
    missing: int
    keys: dict[str, float]


class _Kept(msgspec.Struct):
    """Prompts that are certain to stay in the training, and those that may."""

    certain: int
    possible: int
    rows: int


class _Facts(msgspec.Struct):
    """What the page shows of a dataset's facts; others are left out."""

    prompt_lengths: _Lengths
    references: _References
    distinct_prompts: int
    groups: int
    labels: list[_Counted]
    difficulties: list[_Counted]
    label_path: str | None
    kept: _Kept | None = None
    steps: StepRange | None = None


@dataclass(frozen=True)
class _Bar:
    """A value's rows in one dataset, their share, and the bar's length beside the longest one's."""

    colour: str
    rows: int
    share: float
    length: float


@dataclass(frozen=True)
class _Bars:
    """A value's rows in each dataset."""

    value: _Value
    bars: Sequence[_Bar]


@dataclass(frozen=True)
class _Rule:
    """The findings of one code."""

    code: str
    severity: Severity
    tone: str
    count: int
    fix: Markup
    places: Sequence[tuple[str, str]]

    @property
    def left(self) -> int:
        """How many are not shown."""
        return self.count - len(self.places)


def render_stats(found: Check, hyperparameters: Hyperparameters | None = None) -> str:
    """Return what was found in datasets as HTML: no scripts, nothing loaded from anywhere.

    Args:
        found: What `check` returned.
        hyperparameters: Those that it was given.
    """
    facts = {split: msgspec.convert(told, _Facts) for split, told in found.facts.items()}
    histogram = length_histogram([_panel(split, of, hyperparameters) for split, of in facts.items()])
    worst = next((severity for severity in Severity if found.count(severity)), None)
    return (
        templates()
        .get_template("dataset.html.j2")
        .render(
            headline=_headline(found),
            verdict=_verdict(found),
            tone="good" if worst in (None, Severity.ADVICE) else _TONES[worst],
            reports=found.reports,
            facts=facts,
            stay=_stay(facts["train"], hyperparameters) if hyperparameters and "train" in facts else None,
            names={split: _name(split) for split in facts},
            colours={split: variable(colour) for split, colour in _COLOURS.items()},
            rules=_rules(found),
            across=found.across.counts,
            histogram=None if histogram is None else Markup(histogram),
            labels=_side_by_side({split: of.labels for split, of in facts.items()}),
            difficulties=_side_by_side({split: of.difficulties for split, of in facts.items()}),
            most_values=_MOST_VALUES,
        )
    )


def write_stats(page: str, output: Path) -> None:
    """Write a page.

    Args:
        page: What `render_stats` returned.
        output: The file; folders are made.

    Raises:
        CliError: When it cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CliError(f"--output {output}: {error.strerror or error}") from None


def _verdict(found: Check) -> str:
    """Return the worst of what was found, counted."""
    for severity in (Severity.ERROR, Severity.WARNING):
        if count := found.count(severity):
            return f"{count:,} {severity}{'s' if count > 1 else ''}"
    return "valid"


def _headline(found: Check) -> str:
    """Return what the datasets are and what to think of them, in one sentence."""
    sizes = [f"{report.rows:,} {_kind(split)}" for split, report in found.reports.items()]
    listed = " and ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1])))
    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    if errors:
        return f"{listed} prompts, which a run would refuse."
    return f"{listed} prompts, ready for a run{' after a look at the warnings' if warnings else ''}."


def _kind(split: Split) -> str:
    """Return a split as an adjective."""
    return {"train": "training", "validation": "validation", "held_out": "held-out"}[split]


def _name(split: Split) -> str:
    """Return a split as people read it."""
    return split.replace("_", "-")


def _stay(facts: _Facts, job: Hyperparameters) -> str | None:
    """Return what a job makes of the training prompts' lengths; None when there are none."""
    kept, steps = facts.kept, facts.steps
    if kept is None or steps is None:
        return None
    limit = f"maxPromptLength {job.maxPromptLength:,}"
    maybe, too_long = kept.possible - kept.certain, kept.rows - kept.possible
    told = [f"{maybe:,} may be dropped"] * bool(maybe) + [f"{too_long:,} are too long"] * bool(too_long)
    fate = f"{kept.certain:,} prompts are certain to stay under {limit}, {' and '.join(told)}"
    return (
        f"{steps.words()} training step{'s' if steps.most != 1 else ''} with batchSize {job.batchSize} and epochCount "
        f"{job.epochCount}; {fate if told else f'no prompt is too long for {limit}'}."
    )


def _panel(split: Split, facts: _Facts, job: Hyperparameters | None) -> Panel:
    """Return a dataset's histogram; a job drops training prompts alone."""
    bins = [
        Bin(of.start, of.end, of.rows - of.maybe_too_long - of.too_long, of.maybe_too_long, of.too_long)
        for of in facts.prompt_lengths.histogram
    ]
    return Panel(_name(split), _COLOURS[split], bins, job.maxPromptLength if job and split == "train" else None)


def _rules(found: Check) -> list[_Rule]:
    """Return the findings by code, the worst first."""
    return [
        _Rule(
            findings[0].code,
            findings[0].severity,
            _TONES[findings[0].severity],
            count,
            _sentence(findings[0].fix),
            [(_place(finding), finding.message) for finding in findings[:_MOST_PLACES]],
        )
        for count, findings in found.by_rule()
    ]


def _sentence(fix: str) -> Markup:
    """Return what to do as a sentence, with what to type set as code."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(fix[:1].upper() + fix[1:] + "."))))


def _place(finding: Finding) -> str:
    """Return where a finding is."""
    name = Path(finding.file).name
    return f"{name}:{finding.line}" if finding.line else name


def _side_by_side(counted: Mapping[Split, Sequence[_Counted]]) -> list[_Bars]:
    """Return each value's rows in every dataset, the commonest in the first one first."""
    totals = {split: total for split, values in counted.items() if (total := sum(value.rows for value in values))}
    rows = {split: {_key(value.value): value.rows for value in values} for split, values in counted.items()}
    every = {_key(value.value): value.value for values in counted.values() for value in values}
    longest = max((rows[split].get(key, 0) / total for key in every for split, total in totals.items()), default=1)
    return [
        _Bars(value, [_bar(split, rows[split].get(key, 0), total, longest) for split, total in totals.items()])
        for key, value in every.items()
    ]


def _bar(split: Split, rows: int, total: int, longest: float) -> _Bar:
    """Return the bar of a value in one dataset."""
    return _Bar(variable(_COLOURS[split]), rows, rows / total, rows / total / longest)


def _key(value: _Value) -> tuple[type, _Value]:
    """Return what tells values apart: to Python, true is 1."""
    return type(value), value
