"""Evaluates CloudWatch metric math: arithmetic and functions over time series.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics". A value is a scalar, one series or an
array of series. Arithmetic between series keeps the timestamps both have; a division by zero leaves no datapoint.
Supported: numbers, ids, arrays, `+ - * / ^`, comparisons, `AND`/`OR`, parentheses, METRICS, SEARCH, FILL, IF, SUM, AVG,
MIN, MAX, ABS, CEIL, FLOOR, DIFF, RUNNING_SUM, PERIOD and REMOVE_EMPTY. Everything else is an error, never a guess.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias


class MetricMathError(Exception):
    """An expression that cannot be evaluated; the message says where and why."""


@dataclass(frozen=True)
class Series:
    """A time series.

    Attributes:
        label: What a graph calls it.
        points: Values by the start of their period, in seconds since the epoch.
        period: Length of a period in seconds.
    """

    label: str
    points: Mapping[int, float]
    period: int = 60


Value: TypeAlias = float | Series | tuple[Series, ...]


class Source(Protocol):
    """Where an expression finds its series."""

    def value(self, identifier: str) -> Value:
        """The value of another query."""

    def metrics(self, text: str) -> tuple[Series, ...]:
        """The plain metrics among the queries whose id or label holds a text."""

    def search(self, expression: str, statistic: str, period: int) -> tuple[Series, ...]:
        """The series a SEARCH finds."""

    def periods(self, length: int) -> range:
        """The starts of all periods of the requested time range."""


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^(),<>\[\]]))"
)
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"||": lambda a, b: float(bool(a or b)), "OR": lambda a, b: float(bool(a or b))},
    {"&&": lambda a, b: float(bool(a and b)), "AND": lambda a, b: float(bool(a and b))},
    {
        "<": lambda a, b: float(a < b),
        ">": lambda a, b: float(a > b),
        "<=": lambda a, b: float(a <= b),
        ">=": lambda a, b: float(a >= b),
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
    {"^": operator.pow},
)


def evaluate(expression: str, source: Source) -> Value:
    """Evaluates an expression.

    Args:
        expression: For example `100 * errors / FILL(calls, 0)`.
        source: The other queries.

    Returns:
        A scalar, a series or an array of series.

    Raises:
        MetricMathError: When the expression has an error or uses something unsupported.
    """
    return _Parser(expression, source).whole()


class _Parser:
    """Recursive descent over the tokens of one expression; evaluates as it goes."""

    def __init__(self, expression: str, source: Source) -> None:
        self._expression = expression
        self._source = source
        self._tokens = list(_tokens(expression))
        self._position = 0

    def whole(self) -> Value:
        value = self._level(0)
        if self._next() is not None:
            raise self._error(f"unexpected {self._next()!r}")
        return value

    def _error(self, problem: str) -> MetricMathError:
        return MetricMathError(f"Error in expression {self._expression!r}: {problem}")

    def _next(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self, expected: str | None = None) -> str:
        token = self._next()
        if token is None or (expected is not None and token != expected):
            raise self._error(f"expected {expected or 'a value'!r}, found {token or 'the end'!r}")
        self._position += 1
        return token

    def _level(self, level: int) -> Value:
        """A chain of operators of one precedence; operators are left-associative."""
        if level == len(_LEVELS):
            return self._unary()
        value = self._level(level + 1)
        while (sign := self._next()) in _LEVELS[level]:
            self._position += 1
            value = _binary(_LEVELS[level][str(sign)], value, self._level(level + 1))
        return value

    def _unary(self) -> Value:
        if self._next() == "-":
            self._position += 1
            return _binary(operator.mul, -1.0, self._unary())
        return self._primary()

    def _primary(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._level(0)
            self._take(")")
            return value
        if token == "[":
            return tuple(series for value in self._list("]") for series in _array(value))
        if token[0].isdigit():
            return float(token)
        if self._next() == "(":
            self._position += 1
            return self._call(token.upper())
        return self._source.value(token)

    def _list(self, end: str) -> list[Value]:
        """Comma-separated values up to a closing sign."""
        values: list[Value] = []
        while self._next() != end:
            values.append(self._level(0))
            if self._next() == ",":
                self._position += 1
        self._take(end)
        return values

    def _text(self) -> str:
        token = self._take()
        if token[0] not in "'\"":
            raise self._error(f"expected a quoted text, found {token!r}")
        return token[1:-1]

    def _call(self, name: str) -> Value:
        """A function call, its name and opening parenthesis taken."""
        if name == "METRICS":
            text = "" if self._next() == ")" else self._text()
            self._take(")")
            return self._source.metrics(text)
        if name == "SEARCH":
            expression, statistic, period = self._text(), "Average", 300.0
            if self._next() == ",":
                self._take(",")
                statistic = self._text()
            if self._next() == ",":
                self._take(",")
                period = float(self._take())
            self._take(")")
            return self._source.search(expression, statistic, int(period))
        if name == "FILL":
            return self._fill()
        arguments = self._list(")")
        function = _FUNCTIONS.get((name, len(arguments)))
        if function is None:
            raise self._error(f"{name} with {len(arguments)} arguments is not supported")
        return function(*arguments)

    def _fill(self) -> Value:
        """FILL(value, number | REPEAT): a value for the periods that have none."""
        value = self._level(0)
        self._take(",")
        if (self._next() or "").upper() == "REPEAT":
            self._position += 1
            filler: float | None = None
        else:
            number = self._level(0)
            if not isinstance(number, float):
                raise self._error("FILL needs a number or REPEAT")
            filler = number
        self._take(")")
        return _each(value, lambda series: self._filled(series, filler))

    def _filled(self, series: Series, filler: float | None) -> Series:
        points: dict[int, float] = {}
        last = filler
        for start in self._source.periods(series.period):
            last = series.points.get(start, last) if filler is None else series.points.get(start, filler)
            if last is not None:
                points[start] = last
        return replace(series, points=points)


def _tokens(expression: str) -> list[str]:
    """Splits an expression.

    Raises:
        MetricMathError: At a character that starts no token.
    """
    tokens, position, text = [], 0, expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MetricMathError(f"Error in expression {expression!r}: unexpected {text[position:].lstrip()[:1]!r}")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


def _array(value: Value) -> tuple[Series, ...]:
    """A value as an array of series.

    Raises:
        MetricMathError: For a scalar, which an array cannot hold.
    """
    if isinstance(value, Series):
        return (value,)
    if isinstance(value, tuple):
        return value
    raise MetricMathError("an array holds time series, not scalars")


def _each(value: Value, change: Callable[[Series], Series]) -> Value:
    """Applies a change to a series or to each series of an array."""
    if isinstance(value, Series):
        return change(value)
    if isinstance(value, tuple):
        return tuple(change(series) for series in value)
    return value


def _binary(apply: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """An operator between any two kinds of value but two arrays of different length."""
    if isinstance(left, float) and isinstance(right, float):
        try:
            return apply(left, right)
        except (ZeroDivisionError, OverflowError):
            return math.nan
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            raise MetricMathError(f"arrays of {len(left)} and {len(right)} series cannot be combined")
        return tuple(_pair(apply, one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, tuple):
        return tuple(_pair(apply, series, right) for series in left)
    if isinstance(right, tuple):
        return tuple(_pair(apply, left, series) for series in right)
    return _pair(apply, left, right)


def _pair(apply: Callable[[float, float], float], left: Value, right: Value) -> Series:
    """An operator where at least one side is a series and none an array."""
    model = left if isinstance(left, Series) else right
    assert isinstance(model, Series)
    starts = set(model.points)
    if isinstance(left, Series) and isinstance(right, Series):
        starts &= set(right.points)
    points: dict[int, float] = {}
    for start in sorted(starts):
        try:
            points[start] = apply(_at(left, start), _at(right, start))
        except (ZeroDivisionError, OverflowError):
            continue
    return replace(model, points=points)


def _at(value: Value, start: int) -> float:
    if isinstance(value, Series):
        return value.points[start]
    assert isinstance(value, float)
    return value


def _aggregate(combine: Callable[[Sequence[float]], float]) -> Callable[[Value], Value]:
    """A function that makes one series of an array, and a scalar of one series."""

    def aggregate(value: Value) -> Value:
        if isinstance(value, float):
            return value
        if isinstance(value, Series):
            return combine(list(value.points.values())) if value.points else math.nan
        starts = sorted({start for series in value for start in series.points})
        points = {start: combine([s.points[start] for s in value if start in s.points]) for start in starts}
        return Series("", points, value[0].period if value else 60)

    return aggregate


def _pointwise(change: Callable[[float], float]) -> Callable[[Value], Value]:
    """A function of single values."""

    def apply(value: Value) -> Value:
        if isinstance(value, float):
            return change(value)
        return _each(value, lambda s: replace(s, points={start: change(point) for start, point in s.points.items()}))

    return apply


def _running_sum(series: Series) -> Series:
    total, points = 0.0, {}
    for start in sorted(series.points):
        total += series.points[start]
        points[start] = total
    return replace(series, points=points)


def _diff(series: Series) -> Series:
    starts = sorted(series.points)
    pairs = itertools.pairwise(starts)
    return replace(series, points={late: series.points[late] - series.points[early] for early, late in pairs})


def _if(condition: Value, chosen: Value, other: Value) -> Value:
    """IF: by timestamp for a series, as a whole for a scalar."""
    if isinstance(condition, float):
        return chosen if condition else other
    if not isinstance(condition, Series):
        raise MetricMathError("IF needs a series or a scalar as its condition")
    points: dict[int, float] = {}
    for start, truth in condition.points.items():
        branch = chosen if truth else other
        if isinstance(branch, float):
            points[start] = branch
        elif isinstance(branch, Series) and start in branch.points:
            points[start] = branch.points[start]
    return replace(condition, points=points)


def _period(value: Value) -> Value:
    return float(_array(value)[0].period)


def _without_empty(value: Value) -> Value:
    return tuple(series for series in _array(value) if series.points)


_FUNCTIONS: dict[tuple[str, int], Callable[..., Value]] = {
    ("SUM", 1): _aggregate(math.fsum),
    ("AVG", 1): _aggregate(lambda values: math.fsum(values) / len(values)),
    ("MIN", 1): _aggregate(min),
    ("MAX", 1): _aggregate(max),
    ("ABS", 1): _pointwise(abs),
    ("CEIL", 1): _pointwise(lambda value: float(math.ceil(value))),
    ("FLOOR", 1): _pointwise(lambda value: float(math.floor(value))),
    ("RUNNING_SUM", 1): lambda value: _each(value, _running_sum),
    ("DIFF", 1): lambda value: _each(value, _diff),
    ("IF", 3): _if,
    ("PERIOD", 1): _period,
    ("REMOVE_EMPTY", 1): _without_empty,
}
