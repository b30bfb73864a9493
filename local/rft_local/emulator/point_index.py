"""Finds the datapoints of a time range without reading all that a metric ever got."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MINUTE = 60

Point = Mapping[str, Any]


class PointIndex:
    """The points of one metric by minute; points are only ever added to the list it reads.

    Training writes thousands of points an hour to each metric, in almost but not quite the order of their timestamps,
    and alarms look at the newest few after every change.
    """

    def __init__(self) -> None:
        self._points: Sequence[Point] = ()
        self._read = 0
        self._minutes: dict[int, list[Point]] = {}
        self._lock = threading.Lock()

    def between(self, points: Sequence[Point], start: float, end: float) -> Iterator[Point]:
        """The points of a time range.

        Args:
            points: All points of the metric; another list than before starts the index anew.
            start: Seconds since the epoch, inclusive.
            end: Seconds since the epoch, exclusive.

        Yields:
            The points, minute by minute, within a minute as they were added.
        """
        with self._lock:
            self._update(points)
            first, last = int(start // MINUTE), int(end // MINUTE)
            if last - first < len(self._minutes):
                minutes = [minute for minute in range(first, last + 1) if minute in self._minutes]
            else:
                minutes = sorted(minute for minute in self._minutes if first <= minute <= last)
            chosen = [point for minute in minutes for point in self._minutes[minute]]
        yield from (point for point in chosen if start <= point["Timestamp"] < end)

    def _update(self, points: Sequence[Point]) -> None:
        """Takes in what was added since the last time."""
        if points is not self._points or len(points) < self._read:
            self._points, self._read, self._minutes = points, 0, {}
        new = points[self._read :]
        for point in new:
            self._minutes.setdefault(int(point["Timestamp"] // MINUTE), []).append(point)
        self._read += len(new)
