"""The label grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.label import label
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "label.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LABELS = ["billing", "delivery", "account access"]


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = label(**case["options"])(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == pytest.approx(case["score"]), grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert label(labels=LABELS)(Sample("billing", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    "reference", [[], ["refund"], ["billing", "refund"], ["billing", None], [["billing"]], [True], {"labels": {}}]
)
def test_bad_lists_are_invalid_not_wrong(reference: Any) -> None:
    assert label(labels=LABELS, multiple=True)(Sample("billing", reference)) == Invalid("reference-not-a-label")


def test_none_is_no_label_among_others() -> None:
    grader = label(labels=LABELS, multiple=True, none="none")
    assert grader(Sample("none", ["billing", "none"])) == Invalid("reference-not-a-label")


def test_precision_and_recall_are_components() -> None:
    grade = label(labels=LABELS, multiple=True)(Sample("billing, delivery", ["billing"]))
    assert isinstance(grade, Score)
    assert grade.components == {"named": 1, "precision": 0.5, "recall": 1}


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("labels", {"labels": []}),
        ("labels", {"labels": ["one"]}),
        ("labels", {"labels": "abc"}),
        ("labels", {"labels": ["a", 1]}),
        ("labels", {"labels": ["a", " "]}),
        ("labels", {"labels": ["a", "--"]}),
        ("labels", {"labels": ["out-of-scope", "Out of Scope"]}),
        ("max_words", {"labels": LABELS, "max_words": 0}),
        ("max_words", {"labels": LABELS, "max_words": True}),
        ("max_words", {"labels": LABELS, "max_words": "8"}),
        ("case_sensitive", {"labels": LABELS, "case_sensitive": 1}),
        ("multiple", {"labels": LABELS, "multiple": "yes"}),
        ("beta", {"labels": LABELS, "beta": 2}),
        ("beta", {"labels": LABELS, "multiple": True, "beta": 0}),
        ("beta", {"labels": LABELS, "multiple": True, "beta": float("nan")}),
        ("beta", {"labels": LABELS, "multiple": True, "beta": True}),
        ("none", {"labels": LABELS, "none": "none"}),
        ("none", {"labels": LABELS, "multiple": True, "none": "-"}),
        ("labels", {"labels": LABELS, "multiple": True, "none": "Billing"}),
        ("marker", {"labels": LABELS, "marker": " "}),
        ("costs", {"labels": LABELS, "costs": {}}),
        ("costs", {"labels": LABELS, "costs": {"billing": 1}}),
        ("costs", {"labels": LABELS, "costs": {"billing": {}}}),
        ("costs", {"labels": LABELS, "costs": {"refund": {"billing": 1}}}),
        ("costs", {"labels": LABELS, "costs": {"billing": {"billing": 1}}}),
        ("costs", {"labels": LABELS, "costs": {"billing": {"delivery": 0}}}),
        ("costs", {"labels": LABELS, "costs": {"billing": {"delivery": float("inf")}}}),
        ("costs", {"labels": LABELS, "costs": {"billing": {"delivery": 1, "Delivery": 2}}}),
        ("costs", {"labels": LABELS, "multiple": True, "costs": {"billing": {"delivery": 1}}}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: "):
        label(**options)


@QUICK
@given(
    st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(["{}", "{}.", "Label: {}", "**{}**", "\n{}\n"])
)
def test_naming_one_label_pays_when_it_is_the_reference(gold: str, named: str, frame: str) -> None:
    grade = label(labels=LABELS)(Sample(frame.format(named.upper()), gold))
    assert isinstance(grade, Score)
    assert grade.value == (gold == named)


@QUICK
@given(st.permutations(LABELS), st.integers(2, 3), st.sampled_from([", ", " ", "\n", " or ", "/"]))
def test_naming_several_labels_never_pays(order: list[str], count: int, join: str) -> None:
    for gold in LABELS:
        grade = label(labels=LABELS)(Sample(join.join(order[:count]), gold))
        assert isinstance(grade, Score)
        assert grade.value == 0


COSTS = st.dictionaries(
    st.sampled_from(LABELS), st.dictionaries(st.sampled_from(LABELS), st.integers(1, 9), min_size=1), min_size=1
)


@QUICK
@given(COSTS, st.sampled_from(LABELS), st.sampled_from(LABELS))
def test_a_mistake_earns_less_the_more_it_costs(costs: dict[str, dict[str, int]], gold: str, named: str) -> None:
    costs = {row: {other: cost for other, cost in prices.items() if other != row} for row, prices in costs.items()}
    costs = {row: prices for row, prices in costs.items() if prices}
    if costs:
        grade = label(labels=LABELS, costs=costs)(Sample(named, gold))
        assert isinstance(grade, Score)
        worst = max(cost for prices in costs.values() for cost in prices.values())
        cost = 0 if named == gold else costs.get(gold, {}).get(named, worst)
        assert grade.value == pytest.approx(1 - cost / worst)
        assert (grade.value == 1) == (named == gold)


KINDS = [f"kind {letter}" for letter in "abcdefgh"]
SETS = st.sets(st.sampled_from(KINDS), min_size=1)


@QUICK
@given(
    SETS, st.permutations(KINDS), st.sampled_from([", ", " and ", "\n- ", '", "', " / "]), st.sampled_from([0.5, 1, 2])
)
def test_the_reference_set_is_perfect_in_any_order(gold: set[str], order: list[str], join: str, beta: float) -> None:
    named = [kind.title() for kind in order if kind in gold]
    grade = label(labels=KINDS, multiple=True, beta=beta)(Sample(f"Labels: {join.join(named)}.", [*sorted(gold)]))
    assert isinstance(grade, Score)
    assert grade.value == 1


@QUICK
@given(SETS, SETS, st.sampled_from([0.5, 1, 2]))
def test_a_set_earns_its_f_beta_and_only_the_reference_is_perfect(gold: set[str], named: set[str], beta: float) -> None:
    grade = label(labels=KINDS, multiple=True, beta=beta)(Sample(", ".join(sorted(named)), [*sorted(gold)]))
    assert isinstance(grade, Score)
    precision, recall = len(gold & named) / len(named), len(gold & named) / len(gold)
    expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall) if gold & named else 0
    assert grade.value == pytest.approx(expected)
    assert (grade.value == 1) == (gold == named)


@QUICK
@given(SETS, st.sampled_from(KINDS))
def test_a_surplus_label_always_costs(gold: set[str], more: str) -> None:
    grader = label(labels=KINDS, multiple=True, beta=10)
    honest, padded = (grader(Sample(", ".join(sorted(named)), [*sorted(gold)])) for named in (gold, gold | {more}))
    assert isinstance(honest, Score) and isinstance(padded, Score)
    assert (padded.value < honest.value) == (more not in gold)


@pytest.mark.parametrize("options", [{}, {"multiple": True}, {"max_words": None}, {"marker": "Label:"}])
@pytest.mark.parametrize(
    "unit", ["billing ", "account ", "b", " ", "-", "_", "Label:", "acc\u0301", "\u0301", "\u0301\u0323", "\ufdfa"]
)
def test_work_stays_linear_in_the_text(unit: str, options: dict[str, Any]) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    grade = label(labels=LABELS, **options)(Sample(unit * (1_000_000 // len(unit)), "delivery"))
    assert isinstance(grade, Score)
    assert grade.value == 0


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    grade = label(labels=LABELS)(Sample(completion, "billing"))
    assert isinstance(grade, Score)
    assert grade.value in (0, 1)
