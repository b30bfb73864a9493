r"""The final answer of a worked solution: the one number that its text marks as the result.

The reading is chosen without looking at the reference. The strongest kind of marker that is present decides alone:

1. the author's own marker, such as `ANSWER:`
2. `####`, as in GSM8K
3. `\boxed{...}`
4. `<answer>...</answer>`
5. `the answer is ...`, `answer: ...`
6. `the result is ...`, `result: ...`
7. bold text in the last line
8. a last line that is nothing but a number and at most three words

A heading such as `#### Step 1` is no marker, because no number follows it. The author's marker, a box and an answer tag
are read whatever they hold.
"""

import re
from collections.abc import Callable, Iterator

from rft_rewards.quantity import LONGEST, Quantity, UnreadableNumber, read_quantity

_MOST_MARKERS = 1000

_HASHES = re.compile(r"(?<!#)####(?!#)")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_TAG = re.compile(r"<answer>", re.IGNORECASE)
_END_TAG = re.compile(r"</answer>", re.IGNORECASE)
_ANSWER = re.compile(r"\banswer\b[\s*_]{0,4}(?::|=|is\b)", re.IGNORECASE)
_RESULT = re.compile(r"\bresult\b[\s*_]{0,4}(?::|=|is\b)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*")
_BARE_REST = re.compile(r"[\s*_`.!)\]}$%€£¥₹¢\\]*+(?:[^\W\d_]++[\s*_`.!)\]}\\]*+){0,3}")
_LAST_DIGIT = re.compile(r".*\d", re.DOTALL)


class UnreadableAnswer(ValueError):
    """The deciding marker holds no single number."""


def read_final_answer(text: str, *, marker: str | None = None, accounting: bool = False) -> Quantity | None:
    """Read the number that a text gives as its result.

    Args:
        text: A worked solution; read in time linear in its length.
        marker: The author's own marker; upper and lower case are alike.
        accounting: Whether `(5)` means -5.

    Returns:
        The quantity, or None when nothing in the text marks one.

    Raises:
        UnreadableAnswer: When the deciding kind of marker holds two different values, no readable number, or occurs
            more than 1,000 times.
    """
    for kind in _kinds(marker):
        found: Quantity | None = None
        for count, (candidate, explicit) in enumerate(kind(text)):
            if count >= _MOST_MARKERS:
                raise UnreadableAnswer("more than 1,000 markers")
            try:
                quantity = read_quantity(candidate, accounting=accounting)
            except UnreadableNumber as error:
                raise UnreadableAnswer(str(error)) from None
            if quantity is None and explicit:
                raise UnreadableAnswer("no number after the marker")
            if quantity is not None and found is not None and quantity.value != found.value:
                raise UnreadableAnswer("two different values")
            found = quantity or found
        if found is not None:
            return found
    return None


_Candidates = Iterator[tuple[str, bool]]
"""Texts that should begin with the answer, each with whether it counts even if no number is there."""


def _kinds(marker: str | None) -> Iterator[Callable[[str], _Candidates]]:
    """Yield the readers of markers, strongest first."""
    if marker is not None:
        own = re.compile(re.escape(marker), re.IGNORECASE)
        yield lambda text: _after(own, text, explicit=True)
    yield lambda text: _after(_HASHES, text)
    yield _boxes
    yield _tags
    yield lambda text: _after(_ANSWER, text)
    yield lambda text: _after(_RESULT, text)
    yield _bold_last_line
    yield _bare_last_line


def _after(pattern: re.Pattern[str], text: str, *, explicit: bool = False) -> _Candidates:
    """Yield what follows each marker, to the end of the first line with something in it."""
    for match in pattern.finditer(text):
        following = text[match.end() : match.end() + LONGEST].lstrip()
        yield following.split("\n", 1)[0], explicit


def _boxes(text: str) -> _Candidates:
    """Yield the content of each box, braces balanced; an unclosed or overlong box is empty."""
    for match in _BOX.finditer(text):
        depth = 1
        content = text[match.end() : match.end() + LONGEST]
        for position, character in enumerate(content):
            depth += (character == "{") - (character == "}")
            if depth == 0:
                yield content[:position], True
                break
        else:
            yield "", True


def _tags(text: str) -> _Candidates:
    """Yield the content of each answer tag; an unclosed tag runs to its line's end."""
    for match in _TAG.finditer(text):
        content = text[match.end() : match.end() + LONGEST]
        end = _END_TAG.search(content)
        yield content[: end.start()] if end else content.lstrip().split("\n", 1)[0], True


def _last_line(text: str) -> str:
    """Return the last line with something in it."""
    return text.rstrip()[-2 * LONGEST :].rsplit("\n", 1)[-1].strip()


def _bold_last_line(text: str) -> _Candidates:
    """Yield bold passages of the last line."""
    for match in _BOLD.finditer(_last_line(text)):
        yield match[1], False


def _bare_last_line(text: str) -> _Candidates:
    """Yield the last line when a number and at most three words are all it is."""
    line = _last_line(text)
    head = _LAST_DIGIT.match(line)
    if head is not None and len(line) <= LONGEST and _BARE_REST.fullmatch(line, head.end()):
        yield line, False
