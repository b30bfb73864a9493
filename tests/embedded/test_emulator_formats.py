"""Embedded metrics, metric math, searches and Bedrock's authorization rules, without an emulator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_local.emulator import bedrock_authorization, emf
from rft_local.emulator.environment import ACCOUNT
from rft_local.emulator.metric_math import MetricMathError, Series, Value, evaluate
from rft_local.emulator.metric_search import Metric, SearchError, matcher
from rft_local.emulator.point_index import Point, PointIndex

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
NAMES = st.text("abXYzé19_-", min_size=1, max_size=6)


def document(**changes: Any) -> dict[str, Any]:
    directive = {"Namespace": "N", "Dimensions": [["Run"]], "Metrics": [{"Name": "reward", "Unit": "Count"}]}
    fields = {"_aws": {"Timestamp": 1_700_000_000_500, "CloudWatchMetrics": [directive | changes.pop("directive", {})]}}
    return {**fields, "Run": "r", "reward": 1.5, **changes}


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.dictionaries(NAMES, NAMES, max_size=4), st.lists(NUMBERS, min_size=1, max_size=12))
def test_what_is_written_is_read(dimensions: dict[str, str], values: list[float]) -> None:
    made = document(directive={"Dimensions": [list(dimensions)]}, **{**dimensions, "reward": values})
    if "reward" in dimensions or "_aws" in dimensions:
        return
    (datum,) = emf.parse(json.dumps(made))
    assert dict(datum.dimensions) == dimensions
    assert datum.values == tuple(values)
    assert (datum.timestamp, datum.unit) == (1_700_000_000.5, "Count")


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.text(max_size=40)
    | st.recursive(st.none() | st.booleans() | NUMBERS, lambda c: st.lists(c, max_size=3)).map(
        lambda value: json.dumps({"_aws": value})
    )
)
def test_any_line_is_read_without_an_error(line: str) -> None:
    assert isinstance(emf.parse(line), tuple)


@pytest.mark.parametrize(
    "made",
    [
        document(reward="1"),
        document(reward=True),
        document(reward=[]),
        document(reward=list(range(101))),
        document(reward={"Values": [1, 2], "Counts": [1]}),
        document(Run=3),
        document(directive={"Dimensions": [["Run", "Absent"]]}),
        document(directive={"Namespace": None}),
        document(directive={"Metrics": [{"Name": f"m{i}"} for i in range(101)]}),
        {**document(), "_aws": {"CloudWatchMetrics": []}},
    ],
)
def test_what_the_specification_forbids_is_left_out(made: dict[str, Any]) -> None:
    assert emf.parse(json.dumps(made)) == ()


def test_every_dimension_set_gets_its_datum() -> None:
    made = document(directive={"Dimensions": [["Run"], ["Reward", "Run"], []]}, Reward="math")
    assert [dict(datum.dimensions) for datum in emf.parse(json.dumps(made))] == [
        {"Run": "r"},
        {"Reward": "math", "Run": "r"},
        {},
    ]


@dataclass
class Table:
    """A source of series for expressions, from a table."""

    series: dict[str, Series]

    def value(self, identifier: str) -> Value:
        if identifier not in self.series:
            raise MetricMathError(f"{identifier!r} names no other query")
        return self.series[identifier]

    def metrics(self, text: str) -> tuple[Series, ...]:
        return tuple(series for name, series in self.series.items() if text in name)

    def search(self, expression: str, statistic: str, period: int) -> tuple[Series, ...]:
        return (Series(f"{expression}|{statistic}|{period}", {0: 1.0}),)

    def periods(self, length: int) -> range:
        return range(0, 180, length)


TABLE = Table({"a": Series("a", {0: 4.0, 60: 0.0}), "b": Series("b", {0: 2.0, 120: 8.0})})


@pytest.mark.parametrize(
    ("expression", "points"),
    [
        ("a + b", {0: 6}),
        ("b / a", {0: 0.5}),
        ("1 / a", {0: 0.25}),
        ("2 + 3 * b ^ 2", {0: 14, 120: 194}),
        ("(2 + 3) * b", {0: 10, 120: 40}),
        ("8 - 2 - b", {0: 4, 120: -2}),
        ("SUM([a, b])", {0: 6, 60: 0, 120: 8}),
        ("FILL(a, REPEAT)", {0: 4, 60: 0, 120: 0}),
        ("FILL(b, 7)", {0: 2, 60: 7, 120: 8}),
        ("IF(b > 4 AND b < 9, b, 0)", {0: 0, 120: 8}),
        ("DIFF(b)", {120: 6}),
        ("b * SUM(a)", {0: 8, 120: 32}),
        ("SUM(SEARCH('{N,R} x', 'Sum', 60))", {0: 1}),
    ],
)
def test_expressions(expression: str, points: dict[int, float]) -> None:
    value = evaluate(expression, TABLE)
    assert isinstance(value, Series)
    assert dict(value.points) == pytest.approx(points)


@pytest.mark.parametrize("expression", ["", "a +", "a b", "(a", "NOPE(a)", "c", "[1]", "FILL(a, b)", "a @ b", "SUM()"])
def test_wrong_expressions_are_errors(expression: str) -> None:
    with pytest.raises(MetricMathError):
        evaluate(expression, TABLE)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.text("ab12+-*/(),<>[] FILLSUM'\"", max_size=20))
def test_no_expression_breaks_the_parser(expression: str) -> None:
    try:
        evaluate(expression, TABLE)
    except MetricMathError as error:
        assert "\n" not in str(error)


REWARD = Metric("Rft", "reward_mean", {"Run": "run-1"})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('{Rft,Run} MetricName="reward_mean"', True),
        ('{Rft,Run} MetricName="reward"', False),
        ("{Rft,Run} MetricName=reward", True),
        ("{Rft,Run}", True),
        ("{Rft,Run,Reward}", False),
        ("{Other,Run}", False),
        ('{"Rft","Run"} Run=("run-1" OR "run-2")', True),
        ('{Rft,Run} NOT Run="run-1"', False),
        ('Namespace="Rft" RUN-1', True),
        ('MetricName="reward_mean" AND Run="run-2"', False),
    ],
)
def test_searches(expression: str, expected: bool) -> None:
    assert matcher(expression)(REWARD) is expected


@pytest.mark.parametrize("expression", ["{Rft} (a", "{Rft} )", "{Rft} NOT", "a="])
def test_wrong_searches_are_errors(expression: str) -> None:
    with pytest.raises(SearchError):
        matcher(expression)


PREFIX = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"


@pytest.mark.parametrize(
    ("request_", "checks"),
    [
        (
            bedrock_authorization.Request("GetModelCustomizationJob", "name", {}),
            [("bedrock:GetModelCustomizationJob", f"{PREFIX}:model-customization-job/name")],
        ),
        (
            bedrock_authorization.Request("UpdateCustomModelDeployment", "d", {"modelArn": f"{PREFIX}:custom-model/m"}),
            [
                ("bedrock:UpdateCustomModelDeployment", f"{PREFIX}:custom-model-deployment/d"),
                ("bedrock:UpdateCustomModelDeployment", f"{PREFIX}:custom-model/m"),
            ],
        ),
        (
            bedrock_authorization.Request("ConverseStream", "global.amazon.nova-2-lite-v1:0", {}),
            [
                ("bedrock:InvokeModelWithResponseStream", f"{PREFIX}:inference-profile/global.amazon.nova-2-lite-v1:0"),
                (
                    "bedrock:InvokeModelWithResponseStream",
                    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0",
                ),
            ],
        ),
        (bedrock_authorization.Request("ListCustomModels", "", {}), [("bedrock:ListCustomModels", "*")]),
        (bedrock_authorization.Request("", "", {}), [("bedrock:UnknownOperation", "*")]),
    ],
)
def test_bedrock_checks(request_: bedrock_authorization.Request, checks: list[tuple[str, str]]) -> None:
    assert [(action, resource) for action, resource, _ in bedrock_authorization.actions(request_)] == checks


MOMENTS = st.integers(0, 7200)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.lists(st.lists(MOMENTS, max_size=6), max_size=4), MOMENTS, MOMENTS)
def test_index_finds_what_reading_everything_finds(batches: list[list[int]], start: int, end: int) -> None:
    index, points = PointIndex(), list[Point]()
    for batch in batches:
        points += [{"Timestamp": moment} for moment in batch]
        expected = sorted(point["Timestamp"] for point in points if start <= point["Timestamp"] < end)
        assert sorted(point["Timestamp"] for point in index.between(points, start, end)) == expected
    assert list(index.between([{"Timestamp": start}], start, start + 1)) == [{"Timestamp": start}]
