"""What tables of figures are made of."""

from collections.abc import Iterator, Mapping, Sequence

from rft_contract.json_value import JsonObject, JsonValue


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table: the first column to the left, the others to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' if number == 0 else '---:' for number in range(len(head)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def part(figures: Mapping[str, JsonValue], name: str) -> JsonObject:
    """Return a member that is a mapping."""
    value = figures[name]
    if not isinstance(value, dict):
        raise TypeError(f"{name}: got {type(value).__name__}, wanted a mapping")
    return value


def parts(figures: Mapping[str, JsonValue], name: str) -> list[JsonObject]:
    """Return a member that is a list of mappings."""
    value = figures[name]
    if not isinstance(value, list):
        raise TypeError(f"{name}: got {type(value).__name__}, wanted a list")
    return [item for item in value if isinstance(item, dict)]


def number(figures: Mapping[str, JsonValue], name: str) -> float:
    """Return a member that is a number."""
    value = figures[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}: got {value!r}, wanted a number")
    return float(value)


def percent(share: float) -> str:
    """Return a share as per cent."""
    return f"{100 * share:.1f} %"
