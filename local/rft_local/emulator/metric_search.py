"""Matches metrics against CloudWatch SEARCH expressions.

Source: CloudWatch User Guide, "CloudWatch search expression syntax": an optional schema `{Namespace, Dimension, ...}`
that a metric's dimensions must equal, then terms joined by AND (also implied), OR and NOT. A quoted value matches
exactly, another one as a part, ignoring case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SCHEMA = re.compile(r"\s*\{(?P<schema>[^}]*)\}")
_TOKEN = re.compile(r'\s*(?P<token>"[^"]*"|\(|\)|=|[^\s()="]+)')

Match = Callable[["Metric"], bool]


class SearchError(Exception):
    """A search expression that cannot be read."""


@dataclass(frozen=True)
class Metric:
    """The identity of a metric."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]

    def field(self, name: str) -> str:
        """The value a `name=value` term looks at."""
        return {"MetricName": self.name, "Namespace": self.namespace}.get(name, self.dimensions.get(name, ""))


def matcher(expression: str) -> Match:
    """Compiles a search expression.

    Args:
        expression: For example `{Rft,Run} MetricName="reward" Run="run-1"`.

    Returns:
        A predicate on metrics.

    Raises:
        SearchError: When the expression cannot be read.
    """
    found = _SCHEMA.match(expression)
    rest = expression[found.end() :] if found else expression
    tokens = [match.group("token") for match in _TOKEN.finditer(rest)]
    terms = _Terms(expression, tokens).whole() if tokens else (lambda metric: True)
    if not found:
        return terms
    namespace, *dimensions = [_bare(part.strip()) for part in found["schema"].split(",")]
    names = frozenset(dimensions)

    def match(metric: Metric) -> bool:
        return metric.namespace == namespace and frozenset(metric.dimensions) == names and terms(metric)

    return match


def _bare(token: str) -> str:
    return token[1:-1] if token.startswith('"') else token


class _Terms:
    """Recursive descent over the terms of a search."""

    def __init__(self, expression: str, tokens: list[str]) -> None:
        self._expression = expression
        self._tokens = tokens

    def whole(self) -> Match:
        match = self._either("")
        if self._tokens:
            raise self._error(f"unexpected {self._tokens[0]!r}")
        return match

    def _error(self, problem: str) -> SearchError:
        return SearchError(f"Error in SEARCH {self._expression!r}: {problem}")

    def _either(self, field: str) -> Match:
        """Terms joined by OR."""
        matches = [self._all(field)]
        while self._tokens[:1] == ["OR"]:
            self._tokens.pop(0)
            matches.append(self._all(field))
        return lambda metric: any(match(metric) for match in matches)

    def _all(self, field: str) -> Match:
        """Terms joined by AND or by nothing."""
        matches = [self._one(field)]
        while self._tokens and self._tokens[0] not in ("OR", ")"):
            if self._tokens[0] == "AND":
                self._tokens.pop(0)
            matches.append(self._one(field))
        return lambda metric: all(match(metric) for match in matches)

    def _one(self, field: str) -> Match:
        """One term: NOT, a group, `name=value`, `name=(...)` or a bare value."""
        if not self._tokens:
            raise self._error("a term is missing at the end")
        token = self._tokens.pop(0)
        if token == "NOT":
            inner = self._one(field)
            return lambda metric: not inner(metric)
        if token in (")", "=", "AND", "OR"):
            raise self._error(f"a term is missing before {token!r}")
        if token == "(":
            group = self._either(field)
            if not self._tokens or self._tokens.pop(0) != ")":
                raise self._error("a closing parenthesis is missing")
            return group
        if self._tokens[:1] == ["="]:
            self._tokens.pop(0)
            return self._one(_bare(token))
        return _value_matcher(field, token)


def _value_matcher(field: str, token: str) -> Match:
    """Matches one value, in one field or, without a field, anywhere in the metric's identity."""
    exact, value = token.startswith('"'), _bare(token)

    def holds(text: str) -> bool:
        return text == value if exact else value.lower() in text.lower()

    if field:
        return lambda metric: holds(metric.field(field))
    return lambda metric: any(
        holds(text) for text in (metric.namespace, metric.name, *metric.dimensions, *metric.dimensions.values())
    )
