"""The program in a completion. It is found by its text alone: parsing untrusted Python can end the parser's process."""

import re
from collections.abc import Iterator

LONGEST_PROGRAM = 64 * 1024
"""Characters of a program."""

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_PYTHON = ("", "python", "python3", "py", "py3")
_STATEMENT = re.compile(
    r"(?:async def|def|class)\s+\w+\s*[(:\[]|@\w|from\s+[\w.]+\s+import\b"
    r"|import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,|\s*#|\s*$)"
)
_CONTINUED = re.compile(
    r"""[\s#)\]}"']|(?:else|try|finally)\s*:|(?:elif|except|if|for|while|with)\b.*:|[\w.]+\(.*\)\s*$"""
    r"""|\w[\w.\[\]]*(?:\s*,\s*\w+)*(?:\s*:\s*\w[\w.\[\], ]*)?\s*[-+*/|&]?="""
)
_START = 300
"""Characters at a line's start that tell what it is; more would make hostile lines costly."""


def read_program(completion: str, entry_point: str) -> str | None:
    """Return the program in a completion, or None when it defines no function of that name.

    One reading per text, chosen without looking at any test: the last fenced Python block that defines the entry point
    at its top level; without a fence, the text from the first statement that defines or imports something to the last
    line that can belong to the program.

    Args:
        completion: The generated text.
        entry_point: Name of the function.
    """
    defines = re.compile(
        rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(entry_point)}\b|^{re.escape(entry_point)}[ \t]*=(?!=)",
        re.MULTILINE,
    )
    lines = completion.replace("\r\n", "\n").split("\n")
    blocks = list(_fenced(lines))
    texts = [body for info, body in blocks if _is_python(info)] if blocks else [_bare(lines)]
    return next((text for text in reversed(texts) if defines.search(text)), None)


def _fenced(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield info string and body of each block; one that is never closed runs to the end."""
    body: list[str] | None = None
    fence = indent = info = ""
    for line in lines:
        mark = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if body is None:
            if mark:
                body, fence, indent, info = [], mark["fence"], mark["indent"], mark["info"]
        elif mark and not mark["info"].strip() and mark["fence"].startswith(fence):
            yield info, "\n".join(body)
            body = None
        else:
            body.append(line.removeprefix(indent))
    if body is not None:
        yield info, "\n".join(body)


def _is_python(info: str) -> bool:
    """Whether a fence's info string names Python, or no language."""
    return info.strip().lower().split(" ")[0].split("{")[0].strip("{}., ") in _PYTHON


def _bare(lines: list[str]) -> str:
    """Return the part of a text without fences that can be a program."""
    first = next((number for number, line in enumerate(lines) if _STATEMENT.match(line[:_START])), len(lines))
    kept: list[str] = []
    for line in lines[first:]:
        start = line[:_START]
        if start and not _STATEMENT.match(start) and not _CONTINUED.match(start):
            break
        kept.append(line)
    return "\n".join(kept)
