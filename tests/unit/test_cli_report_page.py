"""The page of a report: everything a reader needs, nothing that a completion could smuggle in."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rft_cli.report.page import headline, render_page
from rft_runtime.probing.probe_statistics import ProbeMeasures
from rft_runtime.probing.probe_verdict import ProbeResult, Verdict
from rft_runtime.probing.weighted_bootstrap import Estimate
from rft_runtime.report import Guard, Report, decode_report
from rft_runtime.report_examples import Example

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture(scope="module")
def report() -> Report:
    return decode_report((CASES / "report.json").read_bytes())


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render_page(report)


def test_the_verdict_comes_first(report: Report, page: str) -> None:
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", page[page.index("<body") :], flags=re.DOTALL)
    assert text.index("PASSED") < text.index("Routing accuracy on 120 unseen prompts rose") < text.index("base")
    assert report.reason is not None
    assert report.reason in page


def test_sections_stand_in_the_order_of_a_reader(page: str) -> None:
    headings = re.findall(r"<(?:h[23]|summary)>(.*?)<", page)
    assert headings == [
        "How often the answer is right",
        "Examples from the held-out set",
        "Fixed",
        "Still wrong",
        "Got worse",
        "How it learned",
        "Asked and used",
        "Time and memory",
        "Lineage",
    ]


def test_the_stand_in_is_named_before_any_number_of_it(page: str) -> None:
    assert 0 < page.index("SmolLM2-135M-Instruct</strong>, the stand-in") < page.index("<figure>")


def test_guards_and_what_samples_are_stand_below_the_models(report: Report) -> None:
    assert report.base is not None
    assert report.candidate is not None
    guard = Guard(prompts=60, base=report.base, candidate=report.candidate)
    page = render_page(msgspec.structs.replace(report, guards={"guard-manners": guard}))
    rows = re.findall(r"</span>(.*?)</th>", page)
    assert rows == ["base", "candidate", "base, guard-manners", "candidate, guard-manners"]
    assert "the API takes no seed" in page


def test_numbers_are_those_of_the_report(report: Report, page: str) -> None:
    assert report.base is not None
    assert report.candidate is not None
    for arm in (report.base, report.candidate):
        assert f"{arm.accuracy * 100:.1f} %" in page
        assert f"{arm.ci95[0] * 100:.0f} % to {arm.ci95[1] * 100:.0f} %" in page


def test_the_page_stands_alone(page: str) -> None:
    assert "<script" not in page.lower()
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }
    assert "default-src 'none'" in page


def test_ids_are_unique(page: str) -> None:
    ids = re.findall(r"\bid=\"([^\"]*)\"", page)
    assert ids
    assert len(ids) == len(set(ids))


def test_the_same_report_gives_the_same_page(report: Report, page: str) -> None:
    assert render_page(report) == page


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"


def test_completions_are_shown_and_never_run(report: Report) -> None:
    changes: list[dict[str, Any]] = [
        {"prompt": HOSTILE},
        {"base": HOSTILE},
        {"candidate": HOSTILE},
        {"reference_answer": HOSTILE},
        {"reference_answer": {"text": HOSTILE}},
        {"reference_answer": {HOSTILE: [HOSTILE]}},
    ]
    plain = Example(
        kind="fixed",
        row=0,
        prompt="p",
        reference_answer="r",
        base="b",
        candidate="c",
        base_reward=0,
        candidate_reward=1,
    )
    page = render_page(msgspec.structs.replace(report, examples=[msgspec.structs.replace(plain, **c) for c in changes]))
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert page.count("&lt;script&gt;alert(1)") == len(changes) + 1


def test_every_text_is_escaped(report: Report) -> None:
    fields = ("reason", "run_id", "stand_in", "environment", "base_model")
    page = render_page(msgspec.structs.replace(report, recipe={"line": HOSTILE}, **dict.fromkeys(fields, HOSTILE)))
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert page.count("&lt;script&gt;") > len(fields)


def test_a_run_that_ended_early_has_a_page_too() -> None:
    report = Report(
        run_id="first",
        environment="local",
        outcome="INVALID_DATASET",
        reason="train.jsonl:3: blank-line",
        started="2026-11-22T10:00:00+00:00",
        ended=None,
        recipe={},
        base_model=None,
    )
    page = render_page(report)
    assert "before candidate and base model could be compared" in page
    assert "INVALID_DATASET because train.jsonl:3: blank-line" in page
    assert "<figure" not in page
    assert "Examples" not in page


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(0.4, 0.8, "rose from 40 % to 80 %"), (0.8, 0.4, "fell from 80 % to 40 %"), (0.4, 0.4, "stayed at 40 %")],
)
def test_the_headline_says_which_way(before: float, after: float, words: str, report: Report) -> None:
    assert report.base is not None
    assert report.candidate is not None
    assert report.gain is not None
    moved = msgspec.structs.replace(
        report,
        base=msgspec.structs.replace(report.base, accuracy=before),
        candidate=msgspec.structs.replace(report.candidate, accuracy=after),
        gain=msgspec.structs.replace(report.gain, absolute=after - before),
    )
    assert words in headline(moved)


def test_the_probe_has_its_words_and_its_shares(report: Report) -> None:
    share = Estimate(value=0.0625, ci95=(0.04, 0.09))
    measures = ProbeMeasures(
        mean_reward=share,
        success=share,
        pass_at={"1": share, "8": Estimate(value=0.3, ci95=(0.2, 0.4))},
        usable=share,
        all_zero=share,
        all_solved=share,
        invalid=share,
    )
    probe = ProbeResult(
        verdict=Verdict.RFT,
        words="the base model succeeds in 6.25 %",
        measures=measures,
        rows=1200,
        prompts=200,
        samples=8,
        group=8,
        success_at=1.0,
        temperature=1.0,
        strata="reference",
        drop=[3],
        dropped=True,
    )
    page = render_page(msgspec.structs.replace(report, probe=probe))
    text = " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<summary>Probe</summary>") :]).split())
    assert "the base model succeeds in 6.25 %." in text
    assert "rollouts that succeed 6.2 % 4.0 % to 9.0 %" in text
    assert "prompts solved in 8 tries (pass@8) 30.0 % 20.0 % to 40.0 %" in text
    assert "200 of 1,200 training prompts, by reference" in text
    assert "The job leaves out 1 that are always solved." in text
    assert "tokens of an answer" not in text
