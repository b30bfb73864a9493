"""A generated part of a page that people wrote."""

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"

_END = "<!-- end -->"


def with_part(text: str, name: str, part: str) -> str:
    """Return a page with one of its generated parts replaced.

    Args:
        text: The page; a comment marks where the part begins, another one where it ends.
        name: The part's name, which stands in its mark.
        part: What shall stand there.

    Raises:
        ValueError: When the page has no such part.
    """
    begin = f"<!-- {name}: python -m tests.pages -->"
    before, found, after = text.partition(begin)
    _, ended, rest = after.partition(_END)
    if not found or not ended:
        raise ValueError(f"the page has no part between {begin} and {_END}")
    return f"{before}{begin}\n\n{part}\n\n{_END}{rest}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Return a table.

    Args:
        head: Its heading.
        rows: Its cells.
        numbers: How many of the last columns are aligned to the right.
    """
    rules = ["---:" if column >= len(head) - numbers else "---" for column in range(len(head))]
    lines = [list(head), *rows]
    cells = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([cells[0], f"|{'|'.join(rules)}|", *cells[1:]])
