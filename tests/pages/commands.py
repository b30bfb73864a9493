"""docs/cli.md: every make target and every command, from the Makefile and the command line itself."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from rft_cli.main import app
from tests.pages.part import table

ROOT = Path(__file__).resolve().parents[2]
SHARED = 5
"""Options that more commands than these have, word for word, are told once."""


def targets() -> str:
    """Return the table of make targets."""
    found = re.findall(r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return table(["target", "does"], [[f"`make {name}`", _cell(does)] for name, does in found if name != "help"])


def commands() -> Iterator[tuple[str, Any]]:
    """Yield the words and the command of each command; those of groups after all others."""
    groups = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # the command line is a group
    for name, command in groups.items():
        if not hasattr(command, "commands"):
            yield f"rft {name}", command
    for name, group in groups.items():
        for inner, command in getattr(group, "commands", {}).items():
            yield f"rft {name} {inner}", command


def shared_options() -> str:
    """Return the table of the options that many commands have."""
    return table(["option", "does"], [_row(record) for record in _shared()])


def sections() -> str:
    """Return the section of each command."""
    shared = _shared()
    return "\n\n".join(_section(words, command, shared) for words, command in commands())


def _section(words: str, command: Any, shared: list[tuple[str, str]]) -> str:
    context = typer.Context(command, info_name=words)
    usage = " ".join([words, *command.collect_usage_pieces(context)]).replace("[[", "[").replace("]]", "]")
    records = _records(words, command)
    own = [record for record in records if record not in shared]
    also = [f"`{name.split()[0]}`" for name, does in records if (name, does) in shared]
    parts = [f"### {words}", f"```text\n{re.sub(r'[{}]', '', usage)}\n```", command.help]
    if own:
        parts.append(table(["", "does"], [_row(record) for record in own]))
    if also:
        parts.append(f"Also {', '.join(also)}.")
    return "\n\n".join(parts)


def _records(words: str, command: Any) -> list[tuple[str, str]]:
    """Return the name and the help of each argument and option, as `--help` has them."""
    context = typer.Context(command, info_name=words)
    parameters = [parameter for parameter in command.get_params(context) if parameter.name != "help"]
    return [parameter.get_help_record(context) for parameter in parameters]


def _shared() -> list[tuple[str, str]]:
    counted = Counter(record for words, command in commands() for record in _records(words, command))
    return [record for record, count in counted.items() if count > SHARED]


def _row(record: tuple[str, str]) -> list[str]:
    name, does = record
    # Two pairs of brackets side by side are a link in Markdown.
    told = _cell(does.replace("\\[", "[")).replace("] [", "; ")
    return [_cell(f"`{name.replace(' range>', '>')}`"), told]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
