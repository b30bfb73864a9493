"""The report: documented field by field, and readable from its first sentence."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rft_runtime.gate import Criterion, Decision
from rft_runtime.measures import Gain, Measures
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Cost, GatePower, JudgeWork, Usage, Work
from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.probing.probe_statistics import ProbeMeasures
from rft_runtime.probing.probe_verdict import ProbeResult, Verdict
from rft_runtime.probing.weighted_bootstrap import Estimate
from rft_runtime.report import Decoding, Guard, Report, decode_report, encode_report, phase_seconds
from rft_runtime.report_data import Data, FoundCode, StepRange
from rft_runtime.report_examples import Example
from rft_runtime.report_markdown import render, verdict
from rft_runtime.run_record import RunRecord
from rft_runtime.training_output import AskedUsed, Step

DOCUMENT = Path(__file__).parents[2] / "docs" / "report.md"
PUBLIC_FIELDS = {
    *("outcome", "recipe", "base_model", "stand_in", "held_out_prompts", "base", "candidate", "live", "gain"),
    *("relative_gain", "error_reduction", "chance_accuracy", "success_at", "decoding", "samples_per_prompt"),
    *(
        "held_out_uses",
        "certificates",
        "schema_version",
        "steps",
        "asked_used",
        "seconds",
        "peak_memory_mb",
        "examples",
    ),
}


def report(**changes: Any) -> Report:
    base = Measures(accuracy=0.37, ci95=(0.29, 0.46), mean_reward=0.37, sampled_accuracy=0.2, invalid_share=0.0)
    candidate = Measures(accuracy=0.81, ci95=(0.73, 0.87), mean_reward=0.81, sampled_accuracy=0.7, invalid_share=0.01)
    full = Report(
        run_id="a-1",
        environment="dev",
        outcome="PASSED",
        reason="the bound lies above min_gain",
        started="2026-01-01T00:00:00+00:00",
        ended="2026-01-01T01:00:00+00:00",
        recipe={"line": "ticket-routing"},
        base_model="amazon.nova-2-lite-v1:0:256k",
        stand_in="SmolLM2-135M-Instruct",
        held_out_prompts=120,
        base=base,
        candidate=candidate,
        gain=Gain(absolute=0.44, ci95=(0.35, 0.53)),
        relative_gain=1.19,
        error_reduction=0.7,
        chance_accuracy=0.125,
        success_at=1.0,
        steps=[Step(step=number, reward=number / 100) for number in range(30)],
        asked_used=[AskedUsed(name="batchSize", asked=64, used=16, why="capped|16")],
        seconds={"Train": 120.5},
        peak_memory_mb=2800,
        examples=[
            Example(
                kind="fixed",
                row=3,
                prompt="Where is\n```my``` money?",
                reference_answer="billing",
                base="shipping",
                candidate="",
                base_reward=0.0,
                candidate_reward=None,
            )
        ],
    )
    return msgspec.structs.replace(full, **changes)


@pytest.mark.parametrize(
    "struct",
    [
        Report,
        ProbeResult,
        ProbeMeasures,
        Estimate,
        Finding,
        Usage,
        Quantity,
        Work,
        JudgeWork,
        Cost,
        GatePower,
        Data,
        StepRange,
        FoundCode,
        Measures,
        Guard,
        Gain,
        Decoding,
        Decision,
        Criterion,
        Step,
        AskedUsed,
        Example,
    ],
)
def test_every_field_is_documented_and_no_other(struct: type[msgspec.Struct]) -> None:
    (section,) = re.findall(rf"^## {struct.__name__}\n(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    first_cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    documented = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert documented == list(struct.__struct_fields__)


def test_the_public_fields_are_there() -> None:
    assert set(Report.__struct_fields__) >= PUBLIC_FIELDS
    assert msgspec.json.decode(encode_report(report()))["schema_version"] == 1


def test_a_report_reads_back() -> None:
    assert decode_report(encode_report(report())) == report()


def test_the_verdict_says_it_in_one_sentence() -> None:
    assert verdict(report()) == (
        "Ticket routing accuracy on 120 unseen prompts rose from 37 % to 81 % (+44 points, 95 % +35 to +53), greedy; "
        "SmolLM2-135M-Instruct stand-in; PASSED because the bound lies above min_gain."
    )


def test_the_plan_says_what_was_expected_and_what_was_amiss() -> None:
    work = Work(rollouts=Quantity(800, 1024), tokens_in=Quantity(1e4, 2e4), tokens_out=Quantity(800, 1e6))
    usage = Usage(
        steps=Quantity(4, 4),
        parts={"training": work},
        judge=JudgeWork(),
        grader_gb_seconds=None,
        training_hours=Quantity(0, 24),
        deployment_hours=Quantity(0, 12),
        warnings=["a limit may be exceeded"],
    )
    power = GatePower(prompts=100, samples=2, level=0.05, spread=0.39, smallest_gain=0.097, needed=0.097, span=1.0)
    findings = [
        Finding(check="key", severity=Severity.OK, found="enabled"),
        Finding(check="quota", severity=Severity.WARNING, found="not checked", remedy="allow it"),
    ]
    text = render(report(estimate=usage, gate_power=power, preflight=findings))
    (plan,) = re.findall(r"## Plan\n(.*?)\n## ", text, re.DOTALL)
    assert "| training | 800 to 1,024 rollouts, 10,000 to 20,000 tokens in, 800 to 1,000,000 out |" in plan
    assert "a true gain of 0.097 in mean reward passes four times in five" in plan
    assert "- warning: a limit may be exceeded" in plan
    assert "- warning: quota: not checked; allow it" in plan
    assert "enabled" not in plan


def test_the_verdict_of_a_run_without_evaluation_is_its_reason() -> None:
    ended = report(base=None, candidate=None, gain=None, outcome="INVALID_DATASET", reason="line 3 is broken")
    assert verdict(ended) == (
        "Run a-1 ended before candidate and base could be compared; INVALID_DATASET because line 3 is broken."
    )


def test_the_markdown_holds_the_numbers_and_escapes_the_data() -> None:
    text = render(report())
    assert "| Base | 37 % | 29 % to 46 % | 0.37 | 20 % | 0.0 % |" in text
    assert "capped\\|16" in text
    assert "    ```my``` money?" in text
    assert "    (empty)" in text
    curve = re.findall(r"^\| (\d+) \| [\d.]+ \|$", text, re.MULTILINE)
    assert (curve[0], curve[-1], len(curve)) == ("0", "29", 12)


def test_the_markdown_says_what_the_probe_found() -> None:
    share = Estimate(value=0.25, ci95=(0.2, 0.31))
    measures = ProbeMeasures(
        mean_reward=share,
        success=share,
        pass_at={"1": share, "8": Estimate(value=0.5, ci95=(0.4, 0.6))},
        usable=share,
        all_zero=share,
        all_solved=share,
        invalid=share,
        tokens=Estimate(value=41.25, ci95=(39, 44)),
    )
    probe = ProbeResult(
        verdict=Verdict.RFT,
        words="the base model succeeds in 25 %",
        measures=measures,
        rows=1000,
        prompts=200,
        samples=8,
        group=8,
        success_at=1.0,
        temperature=1.0,
        strata="reference",
        drop=[4, 7],
        dropped=False,
    )
    text = render(report(probe=probe))
    assert "| rollouts that succeed | 25.0 % | 20 % to 31 % |" in text
    assert "| prompts solved in 8 tries (pass@8) | 50.0 % | 40 % to 60 % |" in text
    assert "| tokens of an answer | 41.2 | 39 to 44 |" in text
    assert "- prompts always solved, which the job could leave out: 2" in text
    assert decode_report(encode_report(report(probe=probe))) == report(probe=probe)


def test_seconds_run_from_state_to_state() -> None:
    times = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z", "2026-01-01T00:01:00Z"]
    record = msgspec.convert(
        {
            "run_id": "a",
            "environment": "dev",
            "started": times[0],
            "stages": {"Validate": times[1], "Plan": times[0]},
            "ended": times[2],
        },
        RunRecord,
    )
    assert phase_seconds(record) == {"Plan": 2.0, "Validate": 58.0}
