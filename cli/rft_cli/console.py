"""Where output goes: answers to stdout, everything else to stderr."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_COMMANDS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])
"""Control characters (Unicode's C0, delete and C1) but tab and line feed: terminals obey them."""


class PlainConsole(Console):
    """A console on which data are shown and never obeyed: their control characters are left out.

    What rich itself tells the terminal, such as colours, stands beside the text of a segment and not in it.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of something that is printed."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else text.translate(_COMMANDS), style, control)


@cache
def out() -> Console:
    """Return the console of answers."""
    return PlainConsole(highlight=False)


@cache
def err() -> Console:
    """Return the console of progress and errors."""
    return PlainConsole(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """Print an answer for programs.

    Args:
        value: A msgspec struct, a dataclass or plain JSON values.
    """
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def say(text: str) -> None:
    """Tell the person something that is not the answer."""
    err().print(text, markup=False, soft_wrap=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a line that changes, or lines where there is no terminal.

    Args:
        what: It is being done.

    Yields:
        A function that tells how far it is.
    """
    with err().status(what) as spinner:

        def tell(words: str) -> None:
            if err().is_terminal:
                spinner.update(f"{what}: {words}")
            else:
                say(words)

        yield tell
