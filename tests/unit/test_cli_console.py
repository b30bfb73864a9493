"""What is printed on a terminal can colour it, and data cannot command it."""

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rft_cli.console import PlainConsole

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2Jgold\x9b31m\x08\x0b\x7f\tanswer\n"
"""Writes to the clipboard, clears the screen, colours and deletes, in terminals that do what they read."""


def printed(console_class: type[Console], *values: object) -> str:
    written = io.StringIO()
    console = console_class(file=written, force_terminal=True, color_system="standard", width=200, highlight=False)
    for value in values:
        console.print(value, markup=False)
    return written.getvalue()


def table() -> Table:
    drawn = Table()
    drawn.add_column(HOSTILE)
    drawn.add_row(Text(HOSTILE, "red"))
    return drawn


def test_data_cannot_command_the_terminal() -> None:
    for value in (HOSTILE, Text(HOSTILE, "red"), table()):
        assert "\x1b]52" in printed(Console, value)
        shown = printed(PlainConsole, value)
        assert not [mark for mark in ("\x1b]", "\x1b[2J", "\x07", "\x08", "\x0b", "\x7f", "\x9b") if mark in shown]
        assert "gold31m" in shown
        assert "answer" in shown


def test_styles_still_colour() -> None:
    assert "\x1b[31m" in printed(PlainConsole, Text("failed", "red"))
    assert printed(PlainConsole, Text("failed", "red")) == printed(Console, Text("failed", "red"))
