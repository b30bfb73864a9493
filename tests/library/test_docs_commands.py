"""The shell and Python blocks of README and documentation: every command exists, the cheap ones run."""

import importlib.util
import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException
from typer.testing import CliRunner

from rft_cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
SHELL = frozenset({"sh", "bash", "console", "shell", ""})
FOREIGN = frozenset({"aws", "cdk", "git", "pip", "source"})
"""Programs of others, whose options are theirs to check."""

RUN = (
    "rft reward new",
    "rft reward test",
    "rft validate --recipe recipes/routing.yaml",
    "rft dataset split examples/routing/train.jsonl",
    "rft dataset stats",
)
"""What runs within a second or two, without an environment."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: Its page.
        line: Number of its first line.
        language: As the fence names it.
        text: What stands in it.
    """

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Return file and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """One command of a shell block.

    Args:
        place: File and line.
        words: Its words, without remarks and redirections.
    """

    place: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(self.words)}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, flags=re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, found.start(3)) + 1
        yield Block(page, line, found[2], found[3])


def commands(block: Block) -> Iterator[Command]:
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        place = f"{block.page.relative_to(ROOT)}:{number}"
        for part in re.split(r"&&|\|", line):
            words = shlex.split(re.sub(r"[<>]\s*\S+", "", re.sub(r"(^|\s)#.*", "", part)))
            if words:
                yield Command(place, tuple(words))


BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [command for block in BLOCKS if block.language in SHELL for command in commands(block)]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def check_rft(words: list[str]) -> None:
    """Let the command's own parser read its words, and run nothing."""
    command: Any = typer.main.get_command(app)
    context: Any = None
    while hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"no command {name!r}, there are {', '.join(command.commands)}"
        context = type(command).context_class(command, info_name=name, parent=context)
        command = command.commands[name]
    command.make_context(command.name, words, parent=context)


def check_make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for word in words:
        name, is_set, _ = word.partition("=")
        assert f"$({name})" in MAKEFILE or f"$(if $({name})" in MAKEFILE if is_set else word in targets, word


def check_python(words: list[str]) -> None:
    assert words[0] == "-m", words
    assert importlib.util.find_spec(words[1]) is not None, words[1]


def problem(command: Command) -> str | None:
    """Return what is wrong with a command."""
    program, *words = command.words
    checks = {"rft": check_rft, "make": check_make, "python": check_python, "python3": check_python}
    if program in FOREIGN:
        return None
    try:
        assert program in checks, f"program {program!r} is none of {', '.join([*checks, *sorted(FOREIGN)])}"
        checks[program](words)
    except (AssertionError, TyperException) as error:
        return f"{command}: {getattr(error, 'message', None) or str(error).splitlines()[0]}"
    return None


def test_every_command_exists_with_its_options() -> None:
    assert len(COMMANDS) > 50
    assert [found for command in COMMANDS if (found := problem(command))] == []


@pytest.mark.parametrize(
    "line",
    ["rft valuate x", "rft validate --reciepe x", "rft release verify", "make deplay", "make diff EVN=dev", "gcloud x"],
)
def test_a_command_that_does_not_exist_is_told_by_its_place(line: str) -> None:
    told = problem(Command("docs/x.md:7", tuple(line.split())))
    assert told is not None
    assert told.startswith(f"docs/x.md:7: {line}: ")


def test_files_that_commands_name_exist() -> None:
    missing = [
        f"{command}: no {word}"
        for command in COMMANDS
        for word in command.words
        if word.startswith(("recipes/", "examples/")) and not (ROOT / word).exists()
    ]
    assert missing == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with the project's recipes and examples, and the file names that pages use."""
    for name in ("recipes", "examples", "stacks", "app.py", "cdk.json"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("train", "validation", "held_out"):
        (tmp_path / f"{name}.jsonl").symlink_to(ROOT / "examples" / "routing" / f"{name}.jsonl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", sorted({command.place.partition(":")[0] for command in COMMANDS}))
def test_cheap_commands_run(page: str, folder: Path) -> None:
    """In the order of the page, since one makes what the next one reads."""
    for command in COMMANDS:
        if command.place.startswith(f"{page}:") and " ".join(command.words).startswith(RUN):
            result = CliRunner().invoke(app, command.words[1:])
            assert result.exit_code == 0, f"{command}: {result.output[-500:]}"


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in BLOCKS
        # One page's blocks continue each other, and a test of its own makes a stack of them.
        if block.language == "python" and block.page.name != "constructs.md"
    ],
    ids=lambda block: block.place,
)
def test_python_runs(block: Block) -> None:
    """With the names of the library and of the configuration, which the text introduces."""
    from aws_cdk.aws_logs import RetentionDays

    import bedrock_rft
    import stacks.config
    import stacks.network
    import stacks.pipeline_config

    modules = (stacks.pipeline_config, stacks.network, stacks.config, bedrock_rft)
    names: dict[str, Any] = {name: value for module in modules for name, value in vars(module).items()}
    names |= {"RetentionDays": RetentionDays, "__name__": "example"}
    text = textwrap.dedent(block.text)
    # Empty lines before it give errors the page's own line numbers.
    exec(compile("\n" * (block.line - 1) + text, str(block.page), "exec"), names)
