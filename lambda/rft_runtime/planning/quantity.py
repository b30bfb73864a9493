"""A number of which only the ends are known."""

import msgspec


class Quantity(msgspec.Struct, frozen=True):
    """A range, both ends included.

    Args:
        low: The least.
        high: The most.
    """

    low: float
    high: float

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.low + other.low, self.high + other.high)

    def times(self, low: float, high: float | None = None) -> "Quantity":
        """Return the range multiplied by a number, or by another range of numbers that are not negative."""
        return Quantity(self.low * low, self.high * (low if high is None else high))

    def words(self) -> str:
        """Return the range as people say it: whole numbers with separators, small ones with as many digits as tell."""
        low, high = _plain(self.low), _plain(self.high)
        return low if low == high else f"{low} to {high}"


NOTHING = Quantity(0, 0)


def total(quantities: "list[Quantity]") -> Quantity:
    """Return the sum of ranges."""
    return Quantity(sum(item.low for item in quantities), sum(item.high for item in quantities))


def _plain(value: float) -> str:
    if value == 0:
        return "0"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 10 else f"{value:.4g}"
