"""How a dataset's answers and difficulties are spread."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_dataset.findings import Finding, in_rows
from rft_dataset.raw_value import value_of
from rft_dataset.records import Row
from rft_dataset.rules import finding

LABEL_KEYS = ("label", "category", "class", "answer")
"""Keys of a reference that is an object, of which the first that it has is its label."""
MOST_LABELS = 50
MOST_NUMBERS = 12
"""Different values at most that look like labels; of numbers fewer, or small results would look like ratings."""
FEWEST_ROWS_A_LABEL = 5
"""On average; texts that repeat less often are answers, not labels."""
RARE = 10
"""A label with fewer rows is rare, unless chance explains it."""
ONE_DIFFICULTY = 0.9
"""Difficulties are unbalanced when one of several has more than this share of the rows."""
SMALLEST_SHIFT = 0.1
"""Share of the rows that would need another label; a smaller difference does not matter, however certain it is."""

_LONGEST_LABEL = 100
_FEWEST_EXPECTED = 5
"""Rows a cell for the chi-square test; labels below are taken together (Cochran 1954, "Some methods for strengthening
the common chi-square tests")."""
_BEYOND_CHANCE = 3.1
"""Standard deviations: one false alarm in a thousand datasets."""
_FEWEST_ROWS = 20
_COUNTS_TOLD = 10


@dataclass
class _Value:
    """A value that rows share.

    Args:
        value: The value.
        line: Its first line.
        rows: How many rows have it.
    """

    value: JsonValue
    line: int
    rows: int = 0


class _Values:
    """The values of one field, as long as they are few."""

    def __init__(self) -> None:
        self._seen: dict[str, _Value] = {}
        self._too_many = False

    def add(self, line: int, value: JsonValue) -> None:
        """Count a row's value. Those that are no text, number or boolean do not count, a long text ends it."""
        if self._too_many or value is None or isinstance(value, list | dict):
            return
        if (isinstance(value, str) and len(value) > _LONGEST_LABEL) or len(self._seen) > MOST_LABELS:
            self._too_many = True
            self._seen.clear()
            return
        self._seen.setdefault(canonical(value), _Value(value, line)).rows += 1

    def by_rows(self) -> list[_Value]:
        """Return the values, the commonest first; none when there are too many."""
        values = [] if len(self._seen) > MOST_LABELS else list(self._seen.values())
        return sorted(values, key=lambda value: (-value.rows, value.line))

    def rows(self) -> int:
        """Return how many rows have one of the values."""
        return sum(value.rows for value in self.by_rows())


class Balance:
    """Labels and difficulties of one dataset (a `RowReader`).

    References are labels when they are a text, number or boolean, or an object with one of `LABEL_KEYS`, and have few
    different values. Labels are unbalanced when the commonest has more than twice as many rows as the others have on
    average, or one has fewer than `RARE` and less than half its even share, both beyond two standard deviations of
    chance (binomial; Poisson for rare ones).

    Args:
        file: Name of the dataset.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._references = 0
        self._answers: dict[str, _Values] = {}
        self._difficulties = _Values()

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        answer = value_of(row.reference_answer)
        if answer is not None and answer != "":
            self._references += 1
            key, label = _label(answer)
            self._answers.setdefault(key, _Values()).add(line, label)
        raw = row.difficulty if bytes(row.difficulty) else row.difficulty_level
        if bytes(raw):
            self._difficulties.add(line, value_of(raw))

    def findings(self) -> Iterator[Finding]:
        """Yield whether labels or difficulties are unbalanced. Values are told by a line that has them."""
        key, labels = self._labels()
        if len(labels) == 1 and labels[0].rows >= _FEWEST_ROWS:
            yield finding(self.file, 0, "unbalanced-labels", f"all {labels[0].rows:,} labels are the same", _path(key))
        elif told := [] if len(labels) < 2 else [*_too_common(labels), *_too_rare(labels)]:
            numbers = [f"{label.rows:,}" for label in labels]
            left = len(labels) - _COUNTS_TOLD
            more = f" and {left} more" if left > 0 else ""
            message = f"{len(labels)} labels with {', '.join(numbers[:_COUNTS_TOLD])}{more} rows: {'; '.join(told)}"
            yield finding(self.file, 0, "unbalanced-labels", message, _path(key))
        difficulties, rows = self._difficulties.by_rows(), self._difficulties.rows()
        if len(difficulties) > 1 and rows >= _FEWEST_ROWS and difficulties[0].rows > ONE_DIFFICULTY * rows:
            first = difficulties[0]
            share = f"{first.rows:,} of {rows:,} rows"
            message = f"one of {len(difficulties)} difficulties (that of line {first.line}) has {share}"
            yield finding(self.file, 0, "unbalanced-difficulty", message, "$.difficulty")

    def facts(self) -> JsonObject:
        """Return the labels and difficulties with their rows, the commonest first."""
        key, labels = self._labels()
        return {
            "label_path": _path(key) if labels else None,
            "labels": [_told(label) for label in labels],
            "difficulties": [_told(difficulty) for difficulty in self._difficulties.by_rows()],
        }

    def differs_from(self, other: "Balance") -> Iterator[Finding]:
        """Yield whether another dataset's labels are spread in another way, beyond chance.

        Chi-square test of homogeneity with Wilson and Hilferty's approximation (1931, "The distribution of
        chi-square"), and a total variation distance of at least `SMALLEST_SHIFT`.

        Args:
            other: A dataset of the same run; the findings are its.
        """
        mine, others = self._labels()[1], other._labels()[1]
        if len(mine) < 2 or not others:
            return
        here = {canonical(label.value): label.rows for label in mine}
        there = {canonical(label.value): label.rows for label in others}
        unseen = [label for label in others if canonical(label.value) not in here]
        if unseen:
            message = f"{in_rows(sum(label.rows for label in unseen))} with a label that no row of {self.file} has"
            yield finding(other.file, unseen[0].line, "label-shift", message, "$.reference_answer")
        distance = _distance(here, there)
        if distance >= SMALLEST_SHIFT and _deviations(here, there) > _BEYOND_CHANCE:
            message = f"{100 * distance:.0f} % of the rows would need another label to be spread like {self.file}"
            yield finding(other.file, 0, "label-shift", message, "$.reference_answer")

    def _labels(self) -> tuple[str, list[_Value]]:
        """Return where most references have their label, and the labels; none when they do not look like labels."""
        if not self._answers:
            return "", []
        key, values = max(self._answers.items(), key=lambda item: item[1].rows())
        labels = values.by_rows()
        most = MOST_NUMBERS if all(_is_number(label.value) for label in labels) else MOST_LABELS
        rows = values.rows()
        are_labels = len(labels) <= most and rows >= FEWEST_ROWS_A_LABEL * len(labels) and 2 * rows > self._references
        return key, labels if are_labels else []


def _label(answer: JsonValue) -> tuple[str, JsonValue]:
    """Return the key that holds a reference's label, empty for the reference itself, and the label."""
    if isinstance(answer, dict):
        return next(((key, answer[key]) for key in LABEL_KEYS if key in answer), ("", None))
    return "", answer


def _path(key: str) -> str:
    """Return where the label is."""
    return f"$.reference_answer.{key}".removesuffix(".")


def _is_number(value: JsonValue) -> bool:
    """Whether a label is a number, written as one or as a text."""
    if isinstance(value, str):
        return value.strip().lstrip("+-").replace(".", "", 1).replace(",", "").isdecimal()
    return not isinstance(value, bool)


def _too_common(labels: list[_Value]) -> Iterator[str]:
    """Say whether the commonest label has more than twice as many rows as the others on average.

    Twice the mean of the others is a share of 2 in (labels + 1): two thirds for two labels, half for three.
    """
    rows = sum(label.rows for label in labels)
    limit = 2 / (len(labels) + 1)
    first = labels[0]
    if first.rows > rows * limit + 2 * sqrt(rows * limit * (1 - limit)):
        others = (rows - first.rows) / (len(labels) - 1)
        yield (
            f"the commonest (that of line {first.line}) has {100 * first.rows / rows:.0f} %, "
            f"{first.rows / others:.1f} times as many as the others on average"
        )


def _too_rare(labels: list[_Value]) -> Iterator[str]:
    """Say whether labels have too few rows to learn them."""
    half = sum(label.rows for label in labels) / len(labels) / 2
    rare = [label for label in labels if label.rows < min(RARE, half - 2 * sqrt(half))]
    if rare:
        have = "has" if len(rare) == 1 else "have"
        yield f"{len(rare)} {have} fewer than {RARE}, the rarest (that of line {rare[-1].line}) {rare[-1].rows}"


def _distance(here: dict[str, int], there: dict[str, int]) -> float:
    """Return the total variation distance of two spreads: the share of one that would have to move."""
    rows, others = sum(here.values()), sum(there.values())
    return sum(abs(here.get(key, 0) / rows - there.get(key, 0) / others) for key in here | there) / 2


def _deviations(here: dict[str, int], there: dict[str, int]) -> float:
    """Return by how many standard deviations two spreads differ more than chance would make them."""
    rows, others = sum(here.values()), sum(there.values())
    smaller = min(rows, others) / (rows + others)
    cells: list[tuple[int, int]] = []
    pooled = (0, 0)
    for key in here | there:
        pair = here.get(key, 0), there.get(key, 0)
        if sum(pair) * smaller >= _FEWEST_EXPECTED:
            cells.append(pair)
        else:
            pooled = pooled[0] + pair[0], pooled[1] + pair[1]
    cells += [pooled] * any(pooled)
    freedom = len(cells) - 1
    if freedom < 1:
        return 0.0
    share = rows / (rows + others)
    chi_square = sum(
        (mine - share * (mine + other)) ** 2 / (share * (mine + other))
        + (other - (1 - share) * (mine + other)) ** 2 / ((1 - share) * (mine + other))
        for mine, other in cells
    )
    spread = 2 / (9 * freedom)
    return float(((chi_square / freedom) ** (1 / 3) - (1 - spread)) / sqrt(spread))


def _told(value: _Value) -> JsonObject:
    """Return a value with its rows."""
    return {"value": value.value, "rows": value.rows, "line": value.line}
