"""How many rows of a sample each stratum gives."""

from collections.abc import Callable, Mapping
from fractions import Fraction


def allocate(
    size: int, populations: Mapping[str, int], held: Mapping[str, int], *, tie_break: Callable[[str], int]
) -> dict[str, int]:
    """Return stratum -> rows to draw from it: shares proportional to the populations, rounded by largest remainders.

    Where the size allows, a stratum gives one row at least; none gives more than it holds, and what it cannot give, the
    others do. So the sum is `size`, or all that is held if that is less.

    Args:
        size: Rows to draw.
        populations: Stratum -> rows in it, at least 1.
        held: Stratum -> rows that can be drawn from it, at least 1.
        tie_break: Of strata with equal remainders, that with the smaller number comes first.
    """
    size = min(size, sum(held.values()))
    least = 1 if len(held) <= size else 0
    quotas = _quotas(size, populations, held, least)
    shares = {name: int(quota) for name, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda name: (shares[name] - quotas[name], tie_break(name)))
    for name in by_remainder[: size - sum(shares.values())]:
        shares[name] += 1
    return shares


def _quotas(size: int, populations: Mapping[str, int], held: Mapping[str, int], least: int) -> dict[str, Fraction]:
    """Return exact shares between `least` and what is held, otherwise proportional to the populations.

    All are proportional at first. Those out of their bounds are set to them, on the side where more is out in all, and
    the rest is shared anew; each round settles one stratum at least (CSS Flexible Box Layout, "Resolving Flexible
    Lengths", divides space within bounds in this way: https://www.w3.org/TR/css-flexbox-1/#resolve-flexible-lengths).
    """
    settled: dict[str, Fraction] = {}
    open_strata = set(populations)
    while open_strata:
        left = Fraction(size) - sum(settled.values())
        total = sum(populations[name] for name in open_strata)
        quotas = {name: left * populations[name] / total for name in open_strata}
        bounded = {name: min(max(quota, Fraction(least)), Fraction(held[name])) for name, quota in quotas.items()}
        excess = sum(bounded.values()) - sum(quotas.values())
        fixed = {
            name: bound
            for name, bound in bounded.items()
            if excess == 0 or (excess > 0 and bound > quotas[name]) or (excess < 0 and bound < quotas[name])
        }
        settled |= fixed
        open_strata -= fixed.keys()
    return settled
