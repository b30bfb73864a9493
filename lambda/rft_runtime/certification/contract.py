"""The contract: on every row, the right answer passes and beats what must not be paid."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rft_contract.json_value import JsonValue
from rft_runtime.certificate import Check, Thresholds, Verdict
from rft_runtime.certification.findings import NONE, TOLERATED_SHARE, Tally
from rft_runtime.certification.graded_probes import graded
from rft_runtime.certification.grading_calls import GradingCalls, Sent
from rft_runtime.certification.kind import Frame, Kind
from rft_runtime.certification.probe import EMPTY, REFUSAL, Probe, Turn
from rft_runtime.certification.row import Row, refuses
from rft_runtime.statistics import bootstrap_lower_bound, mean

_ROWS_AT_ONCE = 256
_CANDIDATES = 8
_CLEARLY_WRONG = ("empty", "prompt-echo", "refusal")

GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Golds:
    """Where right answers come from.

    Args:
        kind: Writes them.
        frame: What it writes them into.
        pool: Rows with other answers to choose wrong ones from.
    """

    kind: Kind
    frame: Frame
    pool: Sequence[Row]

    def of(self, row: Row) -> Turn | None:
        """Return a right completion of a row: the kind's, else the one that the row brings."""
        return self.kind.gold(row.reference, self.frame) or row.written_gold

    def others(self, row: Row, least: float) -> list[Row]:
        """Return rows whose answer loses at least so much on this one, the most distant first."""
        start = row.line * 7 % max(1, len(self.pool))
        candidates = [*self.pool[start:], *self.pool[:start]][: 2 * _CANDIDATES]
        distances = [(self._distance(row, other), number) for number, other in enumerate(candidates)]
        far = sorted(
            (item for item in distances if item[0] > 0 and item[0] >= least), key=lambda item: (-item[0], item[1])
        )
        return [candidates[number] for _, number in far[:_CANDIDATES]]

    def references(self, row: Row, least: float) -> list[JsonValue]:
        """Return the references of `others`."""
        return [other.reference for other in self.others(row, least)]

    def _distance(self, row: Row, other: Row) -> float:
        if self.kind.key(row.reference) is not None:
            return self.kind.distance(row.reference, other.reference)
        # Where nothing but the prompt tells rows apart, a good answer to one may be as good for another.
        differs = row.reference != other.reference and other.written_gold not in (None, row.written_gold)
        return float(differs)


class Contract:
    """Sends every row's right answer and its rivals, and keeps the score.

    Args:
        golds: Right answers.
        thresholds: What is demanded.
        calls: Where completions are graded.
        refusals_are_right: Whether the reward is known to call some refusals right.
    """

    def __init__(
        self, golds: Golds, thresholds: Thresholds, calls: GradingCalls, *, refusals_are_right: bool = False
    ) -> None:
        self._golds, self._thresholds, self._calls = golds, thresholds, calls
        self._refusals_are_right = refusals_are_right
        kind, least = golds.kind, thresholds.pass_at
        self._references = Tally("reference", "every row can be graded")
        self._passes = Tally(GOLD, f"right answers score at least {least:g}")
        self._beats: dict[str, Tally] = {}
        self._gaps: dict[str, list[float]] = {}
        self._gold_values: list[float] = []
        self._by_mean = kind.noisy
        self.with_gold = 0
        self.rows = 0

    def examine(self, rows: Iterable[Row], is_time_up: Callable[[], bool]) -> None:
        """Grade every row; stop early when time is up."""
        for chunk in _chunks(rows, _ROWS_AT_ONCE):
            self._examine_chunk(chunk)
            if is_time_up():
                return

    def checks(self, expected_rows: int) -> list[Check]:
        """Return what was found.

        Args:
            expected_rows: Rows that should have been examined.
        """
        checks = [self._references.check()] if self.rows else []
        checks += self._gold_check()
        checks += [self._beats_check(name) for name in sorted(self._beats.keys() | self._gaps.keys(), key=_order)]
        if self.rows < expected_rows:
            words = f"time was up after {self.rows} of {expected_rows} rows; `rft certify` has all the time it needs"
            checks.append(Check(name="rows", verdict=Verdict.INCOMPLETE, summary=words))
        return checks

    def probes(self, row: Row) -> Iterator[Probe]:
        """Yield a row's right answer, if there is one, and its rivals."""
        golds, kind, margin = self._golds, self._golds.kind, self._thresholds.margin
        gold = golds.of(row)
        if gold is not None:
            yield Probe(GOLD, gold)
        for rival in (EMPTY, Probe("prompt-echo", Turn(row.prompt), quotable=False), REFUSAL):
            if rival.name in kind.rivals and not self._is_right(rival, gold, row):
                yield rival
        if gold is None:
            return
        others = golds.others(row, margin)
        if others:
            other = golds.of(others[0])
            if other is not None:
                yield Probe("other-gold", other)
        if kind.key(row.reference) is not None:
            yield from kind.mixtures(row.reference, [other.reference for other in others], golds.frame)

    def _is_right(self, rival: Probe, gold: Turn | None, row: Row) -> bool:
        """Whether what is usually wrong is right on this row."""
        if rival is REFUSAL and (self._refusals_are_right if gold is None else refuses(gold)):
            return True
        return self._golds.kind.says(rival.turn.text, row.reference)

    def _examine_chunk(self, rows: Sequence[Row]) -> None:
        sent: list[tuple[Row, Probe]] = [(row, probe) for row in rows for probe in self.probes(row)]
        by_row: dict[int, list[tuple[Probe, Sent]]] = {}
        for row, probe, grade in graded(sent, self._calls):
            by_row.setdefault(row.line, []).append((probe, grade))
        for row in rows:
            self._judge(row, by_row[row.line])

    def _judge(self, row: Row, graded: Sequence[tuple[Probe, Sent]]) -> None:
        self.rows += 1
        if not self._is_gradable(row, graded):
            return
        scores = [(probe, grade.value) for probe, grade in graded if grade.value is not None]
        gold = next(((probe, value) for probe, value in scores if probe.name == GOLD), None)
        if gold is not None:
            self.with_gold += 1
            self._gold_values.append(gold[1])
            if not self._by_mean:
                self._judge_gold(row, *gold)
        for probe, value in scores:
            if probe.name != GOLD:
                self._judge_rival(row, probe, value, None if gold is None else gold[1])

    def _is_gradable(self, row: Row, graded: Sequence[tuple[Probe, Sent]]) -> bool:
        kind = self._golds.kind
        invalid = next((grade.invalid for _, grade in graded if grade.value is None), None)
        if kind.needs_reference and kind.key(row.reference) is None:
            self._references.fails("no right answer can be written from the reference", row)
            return False
        if invalid is not None:
            self._references.fails(f"not graded: {invalid}", row)
            return False
        self._references.passes()
        return True

    def _judge_gold(self, row: Row, probe: Probe, value: float) -> None:
        least = self._thresholds.pass_at
        if value >= least - 1e-9:
            self._passes.passes()
        else:
            self._passes.fails(f"the right answer scores {value:.3g}, wanted at least {least:g}", row, probe, value)

    def _judge_rival(self, row: Row, probe: Probe, value: float, gold: float | None) -> None:
        if gold is not None and self._is_judged_by_mean(probe):
            self._gaps.setdefault(probe.name, []).append(gold - value)
            return
        tally = self._beats.get(probe.name)
        if tally is None:
            # What is clearly wrong may still be right on a row by accident; a mixture of answers never is.
            tolerated = TOLERATED_SHARE if probe.name in _CLEARLY_WRONG else NONE
            demand = _demand(probe, self._thresholds, gold)
            tally = self._beats[probe.name] = Tally(f"beats-{probe.name}", demand, tolerated)
        margin = 1e-6 if probe.partly_right else self._thresholds.margin
        reached = self._thresholds.pass_at if gold is None else gold
        # A right answer that failed is told about once, as that.
        if gold is not None and gold < self._thresholds.pass_at - 1e-9 and value < self._thresholds.pass_at:
            return
        if reached - value >= margin - 1e-9:
            tally.passes()
        else:
            against = "" if gold is None else f", the right answer {gold:.3g}"
            tally.fails(f"{probe.name} scores {value:.3g}{against}, wanted {margin:g} less", row, probe, value)

    def _is_judged_by_mean(self, probe: Probe) -> bool:
        """Whether single rows prove nothing: a judge's noise, or another row's answer that may be right here too."""
        return self._by_mean or (probe.name == "other-gold" and not self._golds.kind.needs_reference)

    def _gold_check(self) -> list[Check]:
        if not self._gold_values:
            return []
        if not self._by_mean:
            return [self._passes.check()]
        reached, least = mean(self._gold_values), self._thresholds.pass_at
        return [
            Check(
                name=GOLD,
                verdict=Verdict.PASSED if reached >= least else Verdict.FAILED,
                summary=f"right answers score {reached:.3g} on average, wanted at least {least:g}",
                tried=len(self._gold_values),
            )
        ]

    def _beats_check(self, name: str) -> Check:
        if name not in self._gaps:
            return self._beats[name].check()
        gaps = self._gaps[name]
        least = 0.0 if self._by_mean else self._thresholds.margin
        bound = bootstrap_lower_bound(gaps)
        return Check(
            name=f"beats-{name}",
            verdict=Verdict.PASSED if bound > least else Verdict.FAILED,
            summary=f"right answers beat {name} by {mean(gaps):.3g} on average (95 %: at least {bound:.3g}), "
            f"wanted more than {least:g}",
            tried=len(gaps),
        )


def _demand(probe: Probe, thresholds: Thresholds, gold: float | None) -> str:
    """Return what a rival's check asks."""
    if gold is None:
        return f"{probe.name} scores at most {thresholds.pass_at - thresholds.margin:g}"
    if probe.partly_right:
        return f"right answers beat {probe.name}"
    return f"right answers beat {probe.name} by {thresholds.margin:g}"


def _order(name: str) -> tuple[bool, str]:
    return name not in _CLEARLY_WRONG, name


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows, so many at a time."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
