"""Probes sent so that no event carries two completions of one prompt."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rft_runtime.certification.grading_calls import NO_ANSWER, GradingCalls, Sent
from rft_runtime.certification.probe import Probe
from rft_runtime.certification.row import Row


def graded(sent: Sequence[tuple[Row, Probe]], calls: GradingCalls) -> Iterator[tuple[Row, Probe, Sent]]:
    """Grade probes and yield each with its grade, in order.

    The first probes of all rows go out together, then the second ones: a grader that compares the completions of a
    prompt with each other finds none to compare. The calls keep them by prompt.

    Args:
        sent: Rows and what is sent for them.
        calls: Where completions are graded.
    """
    turn_of: dict[int, int] = defaultdict(int)
    rounds: list[list[int]] = []
    for place, (row, _) in enumerate(sent):
        turn = turn_of[row.line]
        turn_of[row.line] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(place)
    grades = [NO_ANSWER] * len(sent)
    for places in rounds:
        items = [sent[place][0].item(f"{sent[place][0].line}-{place}", sent[place][1].turn) for place in places]
        found = calls.grade(items, lines=[_line(sent[place][0]) for place in places])
        for place, grade in zip(places, found, strict=True):
            grades[place] = grade
    for (row, probe), grade in zip(sent, grades, strict=True):
        calls.groups.add(row, probe.turn, grade.value, grade.components)
        yield row, probe, grade


def _line(row: Row) -> int | None:
    """Return the dataset's line of a row; a case has none."""
    return None if row.is_case else row.line
