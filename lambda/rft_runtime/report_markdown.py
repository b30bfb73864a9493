"""The report for people: the verdict first, then the numbers behind it."""

from collections.abc import Iterator, Sequence

from rft_contract.recipe import Recipe
from rft_runtime.measures import Measures
from rft_runtime.planning.limits import against_limits
from rft_runtime.planning.usage import Usage
from rft_runtime.preflight.finding import Severity
from rft_runtime.probing.probe_verdict import ProbeResult
from rft_runtime.probing.weighted_bootstrap import Estimate
from rft_runtime.report import Report
from rft_runtime.report_data import Data
from rft_runtime.report_examples import Example
from rft_runtime.training_output import Step

INDEPENDENT = "the API takes no seed, so samples are independent of each other and from model to model"
_CURVE_ROWS = 12
_TITLES = {"fixed": "Fixed", "still_wrong": "Still wrong", "got_worse": "Got worse"}


def verdict(report: Report) -> str:
    """Return the report in one sentence."""
    because = f"{report.outcome} because {report.reason}" if report.reason else str(report.outcome)
    if report.base is None or report.candidate is None or report.gain is None:
        return f"Run {report.run_id} ended before candidate and base could be compared; {because}."
    line = str(report.recipe.get("line", report.run_id)).replace("-", " ").capitalize()
    low, high = report.gain.ci95
    interval = f"{_points(report.gain.absolute)} points, 95 % {_points(low)} to {_points(high)}"
    stand_in = f"; {report.stand_in} stand-in" if report.stand_in else ""
    return (
        f"{line} accuracy on {report.held_out_prompts} unseen prompts "
        f"{_change(report.base.accuracy, report.candidate.accuracy)} ({interval}), greedy{stand_in}; {because}."
    )


def render(report: Report) -> str:
    """Return the report as Markdown."""
    parts = [f"# Run {report.run_id}", f"**{verdict(report)}**", *_comparison(report)]
    if report.estimate is not None:
        parts += ["## Plan", *_plan(report, report.estimate)]
    if report.used is not None:
        parts += ["## Used", *_used(report, report.used)]
    if report.data is not None:
        parts += ["## Data", *_data(report.data)]
    if report.probe is not None:
        parts += ["## Probe", *_probe(report.probe)]
    if report.steps:
        parts += ["## Training", _curve(report.steps)]
    if report.asked_used:
        rows = [[item.name, _plain(item.asked), _plain(item.used), item.why or ""] for item in report.asked_used]
        parts += ["## Hyperparameters", _table(["Name", "Asked", "Used", "Why"], rows)]
    if report.examples:
        parts += ["## Examples", *(_example(example) for example in report.examples)]
    if report.decision is not None and report.decision.criteria:
        marks = [["yes" if item.held else "**no**", item.name, item.words] for item in report.decision.criteria]
        parts += ["## Gate", _table(["Held", "Criterion", "Found"], marks)]
    parts += ["## Time", _table(["State", "Seconds"], [[name, f"{took:.1f}"] for name, took in report.seconds.items()])]
    if report.peak_memory_mb is not None:
        parts.append(f"Peak memory of the trainer: {report.peak_memory_mb:.0f} MiB.")
    return "\n\n".join(parts) + "\n"


def _comparison(report: Report) -> Iterator[str]:
    arms = [("Base", report.base), ("Candidate", report.candidate), ("Live", report.live)]
    rows = [[name, *_measured(arm)] for name, arm in arms if arm is not None]
    for name, guard in report.guards.items():
        rows += [[f"Base, {name}", *_measured(guard.base)], [f"Candidate, {name}", *_measured(guard.candidate)]]
    if rows:
        yield "## Result"
        yield _table(["Model", "Accuracy", "95 % interval", "Mean reward", "Sampled accuracy", "Not graded"], rows)
    facts = []
    if report.relative_gain is not None:
        facts.append(f"relative gain {100 * report.relative_gain:+.0f} %")
    if report.error_reduction is not None:
        facts.append(f"errors removed {_percent(report.error_reduction)}")
    if report.chance_accuracy is not None:
        facts.append(f"accuracy of guessing {_percent(report.chance_accuracy)}")
    if report.success_at is not None:
        facts.append(f"right means a reward of at least {report.success_at:g}")
    if report.decoding is not None and report.decoding.sampled_temperature is not None:
        facts.append(
            f"sampled: {report.samples_per_prompt} completions a prompt at temperature "
            f"{report.decoding.sampled_temperature:g}; {INDEPENDENT}"
        )
    if report.certificates:
        facts.append(
            "reward certified on " + ", ".join(f"{split} {name}" for split, name in report.certificates.items())
        )
    if report.held_out_uses is not None:
        facts.append(f"earlier runs evaluated on this held-out set: {report.held_out_uses}")
    if facts:
        yield "\n".join(f"- {fact}" for fact in facts)


def _plan(report: Report, usage: Usage) -> Iterator[str]:
    """Yield what was expected before anything was spent, and what preflight found amiss."""
    yield _table(["Expected", "At least and at most"], [[name, words] for name, words in usage.lines()])
    power = report.gate_power
    warnings = [*usage.warnings, *(power.warnings if power else [])]
    amiss = [finding.words() for finding in report.preflight if finding.severity in (Severity.WARNING, Severity.ERROR)]
    facts = [*([power.words()] if power else []), *(f"warning: {words}" for words in (*warnings, *amiss))]
    if facts:
        yield "\n".join(f"- {fact}" for fact in facts)


def _used(report: Report, used: Usage) -> Iterator[str]:
    """Yield what was used against the recipe's limits."""
    limits = Recipe.from_json(report.recipe).limits
    yield _table(["Used", "At least and at most", "Limit"], [list(row) for row in against_limits(limits, used)])


def _data(data: Data) -> Iterator[str]:
    facts = [f"{split}: {rows:,} rows" for split, rows in data.rows.items()]
    if data.steps is not None:
        facts.append(f"training steps left: {data.steps.words()}")
    facts.append(f"{'line by line' if data.found else 'nothing was found'}: {data.findings}")
    yield "\n".join(f"- {fact}" for fact in facts)
    if data.found:
        yield _table(["Finding", "Severity", "Count"], [[i.code, i.severity, f"{i.count:,}"] for i in data.found])


def _probe(probe: ProbeResult) -> Iterator[str]:
    yield f"{probe.words}."
    rows = [
        [name, f"{100 * found.value:.1f} %", _interval(found, 100, " %")] for name, found in probe.measures.shares()
    ]
    rows.append(["mean reward", _plain(probe.measures.mean_reward.value), _interval(probe.measures.mean_reward)])
    if probe.measures.tokens is not None:
        rows.append(["tokens of an answer", f"{probe.measures.tokens.value:.1f}", _interval(probe.measures.tokens)])
    yield _table(["Of the base model", "Found", "95 % interval"], rows)
    advice = (
        f"prompts always solved, which the job {'leaves' if probe.dropped else 'could leave'} out: {len(probe.drop):,}"
    )
    facts = [
        f"{probe.prompts:,} of {probe.rows:,} training prompts, by {probe.strata}, {probe.samples} rollouts each at "
        f"temperature {probe.temperature:g}; groups of {probe.group}",
        *([advice] if probe.drop else []),
    ]
    yield "\n".join(f"- {fact}" for fact in facts)


def _interval(found: Estimate, scale: float = 1, unit: str = "") -> str:
    low, high = found.ci95
    return f"{scale * low:.3g}{unit} to {scale * high:.3g}{unit}"


def _change(before: float, after: float) -> str:
    if before == after:
        return f"stayed at {_percent(after)}"
    return f"{'rose' if after > before else 'fell'} from {_percent(before)} to {_percent(after)}"


def _measured(arm: Measures) -> list[str]:
    low, high = arm.ci95
    return [
        _percent(arm.accuracy),
        f"{_percent(low)} to {_percent(high)}",
        _plain(arm.mean_reward),
        "-" if arm.sampled_accuracy is None else _percent(arm.sampled_accuracy),
        f"{100 * arm.invalid_share:.1f} %",
    ]


def _curve(steps: Sequence[Step]) -> str:
    """Return a table of at most a dozen steps, first and last among them."""
    last = len(steps) - 1
    count = min(_CURVE_ROWS, len(steps))
    shown = sorted({round(place * last / max(1, count - 1)) for place in range(count)})
    names = [name for name in Step.__struct_fields__ if any(getattr(step, name) is not None for step in steps)]
    rows = [[_plain(getattr(steps[place], name)) for name in names] for place in shown]
    return _table([name.replace("_", " ").capitalize() for name in names], rows)


def _example(example: Example) -> str:
    rewards = f"{_plain(example.base_reward)} -> {_plain(example.candidate_reward)}"
    return "\n\n".join(
        [
            f"### {_TITLES[example.kind]} (row {example.row}, reward {rewards})",
            _quoted(example.prompt),
            f"Base:\n\n{_quoted(example.base)}",
            f"Candidate:\n\n{_quoted(example.candidate)}",
        ]
    )


def _quoted(text: str) -> str:
    """Return text as an indented block, which nothing inside it can end."""
    return "\n".join(f"    {line}" for line in (text or "(empty)").splitlines())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.0f}"


def _plain(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
