"""The report's words about the data of a run."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from rich.console import Console

from rft_cli.report.page import render_page
from rft_cli.report.summary import summary
from rft_contract.layout import RunKeys
from rft_dataset.findings import Severity
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import JudgeWork, Usage
from rft_runtime.report import Report
from rft_runtime.report_data import Data, FoundCode, StepRange, read_data
from rft_runtime.report_markdown import render
from rft_runtime.run_record import RunRecord
from tests.unit.fakes.account import BUCKET
from tests.unit.fakes.aws import FakeAws

KEYS = RunKeys("a-1")
ADDRESS = f"s3://{BUCKET}/{KEYS.findings}"


def found() -> dict[str, Any]:
    return {
        "valid": True,
        "datasets": {
            "train": {"rows": 1200, "counts": {"duplicate-prompt": 7, "unusual-size": 1}, "facts": {}},
            "held_out": {"rows": 90, "counts": {"few-rows": 1, "duplicate-prompt": 2}, "facts": {}},
        },
        "across": {"counts": {"leak-prompt": 1, "of-tomorrow": 3}},
    }


def data(value: Any, steps: Quantity | None = None) -> Data | None:
    aws = FakeAws()
    estimate = (
        None
        if steps is None
        else Usage(
            steps=steps,
            parts={},
            judge=JudgeWork(),
            grader_gb_seconds=None,
            training_hours=Quantity(0, 1),
            deployment_hours=Quantity(0, 1),
        )
    )
    record = RunRecord(run_id="a-1", environment="dev", started=datetime.now(UTC), estimate=estimate)
    if value is not None:
        aws.s3.put(KEYS.findings, json.dumps(value).encode())
    return read_data(aws.platform().bucket, record)


def report(value: Data | None) -> Report:
    return Report(
        run_id="a-1",
        environment="dev",
        outcome="INVALID_DATASET",
        reason="because",
        started="2026-01-01T00:00:00+00:00",
        ended=None,
        recipe={},
        base_model=None,
        data=value,
    )


def test_findings_are_counted_over_all_datasets_the_worst_first() -> None:
    assert data(found(), Quantity(30, 37)) == Data(
        rows={"train": 1200, "held_out": 90},
        steps=StepRange(fewest=30, most=37),
        found=[
            FoundCode(code="leak-prompt", severity=Severity.ERROR, count=1),
            FoundCode(code="duplicate-prompt", severity=Severity.WARNING, count=9),
            FoundCode(code="of-tomorrow", severity=Severity.WARNING, count=3),
            FoundCode(code="few-rows", severity=Severity.ADVICE, count=1),
            FoundCode(code="unusual-size", severity=Severity.ADVICE, count=1),
        ],
        findings=ADDRESS,
    )


@pytest.mark.parametrize("value", [None, [], {"datasets": 1}, {"datasets": {"train": {}}, "across": {}}])
def test_a_run_without_findings_has_a_report_all_the_same(value: Any) -> None:
    assert data(value) is None
    assert "## Data" not in render(report(None))
    assert "<summary>Data</summary>" not in render_page(report(None))


def test_people_read_counts_steps_and_where_the_lines_are() -> None:
    full = data(found(), Quantity(30, 37))
    markdown = render(report(full))
    assert "- train: 1,200 rows\n- held_out: 90 rows\n- training steps left: 30 to 37\n" in markdown
    assert f"- line by line: {ADDRESS}\n" in markdown
    assert "| leak-prompt | error | 1 |\n| duplicate-prompt | warning | 9 |\n" in markdown
    page = render_page(report(full))
    section = page[page.index("<summary>Data</summary>") :]
    cells = [cell for cell in re.sub(r"<[^>]+>", "\n", section).split("\n") if cell.strip()]
    assert cells[1:7] == ["train", "1,200 rows", "held_out", "90 rows", "training steps left", "30 to 37"]
    assert cells[10:13] == ["leak-prompt", "error", "1"]
    console = Console(width=300)
    with console.capture() as capture:
        console.print(summary(report(full)))
    assert "data: 1 leak-prompt, 9 duplicate-prompt, 3 of-tomorrow" in capture.get()


def test_clean_data_are_called_so() -> None:
    clean = found()
    for part in (*clean["datasets"].values(), clean["across"]):
        part["counts"] = {}
    whole = data(clean)
    assert whole is not None
    assert f"- nothing was found: {ADDRESS}\n" in render(report(whole))
    assert "training steps left" not in render(report(whole))
    assert f"Nothing was found: <code>{ADDRESS}</code>" in render_page(report(whole))
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Data) == whole
