r"""The final answer of a worked solution: what its text marks as the result.

The reading is chosen without looking at the reference. The strongest kind of marker that is present decides alone:

1. the author's own marker, such as `ANSWER:`
2. `####`, as in GSM8K
3. `\boxed{...}`
4. `<answer>...</answer>`, or JSON's `"answer": ...` and `"final_answer": ...`
5. `the answer is ...`, `answer: ...`
6. `the result is ...`, `result: ...`
7. bold text in the last line
8. a last line that is nothing but a number and at most three words
9. `the answer is ...` or bold text in the last line, when that is a sentence with just one number in it

A heading such as `#### Step 1` is no marker, because no number follows it. The author's marker, a box, an answer tag
and JSON decide whatever they hold.
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rft_contract.json_value import JsonValue
from rft_rewards.notation import ENGLISH, Notation
from rft_rewards.quantity import LONGEST, Quantity, UnreadableNumber, read_only_number, read_quantity

_MOST_MARKERS = 1000
_REFERENCE_KEYS = ("final_answer", "answer", "text")

_HASHES = re.compile(r"(?<!#)####(?!#)")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_TAG = re.compile(r"<answer>", re.IGNORECASE)
_TAG_END = re.compile(r"</?answer>", re.IGNORECASE)
_JSON_KEY = re.compile(r"""(?P<quote>["'])(?:final[_ ])?answer(?P=quote)\s*:\s*""", re.IGNORECASE)
_JSON_STRING = re.compile(r"""(?P<quote>["'])(?P<content>(?:(?!(?P=quote))[^\\\n]|\\.)*)""")
_JSON_ESCAPE = re.compile(r"""\\(?:(?P<kept>[\\"'/])|u(?P<code>[0-9a-f]{4})|[bfnrt](?![a-z]))""", re.IGNORECASE)
_ANSWER = re.compile(
    r"\banswer\b(?:\s(?:to|in|for|of)(?:\s[^\W\d_]{1,20}){1,6}?)?[\s*_]{0,4}"
    r"(?:[:：=]|is\b|would\sbe\b|should\sbe\b|equals\b|comes\s(?:out\s)?to\b)",
    re.IGNORECASE,
)
_RESULT = re.compile(r"\bresult\b[\s*_]{0,4}(?:[:：=]|is\b)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*")
_BARE_REST = re.compile(r"[\s*_`.!)\]}$%€£¥₹¢\\]*+(?:[^\W\d_]++[\s*_`.!)\]}\\]*+){0,3}")
_LAST_DIGIT = re.compile(r".*\d", re.DOTALL)
_SPACE = re.compile(r"\s*")


class UnreadableAnswer(ValueError):
    """The deciding marker holds no single number."""


@dataclass(frozen=True, slots=True)
class MarkerKind:
    """A way to mark the answer.

    Args:
        passages: Yields the passages of a text that it marks.
        decides: Whether it decides even when nothing that can be read is there.
        is_sentence: Whether a passage may be a sentence around the number.
        only_sentence: Whether it must be one.
    """

    passages: Callable[[str], Iterator[str]]
    decides: bool = False
    is_sentence: bool = False
    only_sentence: bool = False


def read_final_answer(text: str, *, marker: str | None = None, notation: Notation = ENGLISH) -> Quantity | None:
    """Read the number that a text gives as its result.

    Args:
        text: A worked solution; read in time linear in its length.
        marker: The author's own marker; upper and lower case are alike.
        notation: How its numbers are written.

    Returns:
        The quantity, or None when nothing in the text marks one.

    Raises:
        UnreadableAnswer: When the deciding kind of marker holds two different values, no readable number, or occurs
            more than 1,000 times.
    """
    for kind in marker_kinds(marker):
        found: Quantity | None = None
        count = 0
        for passage in kind.passages(text):
            count += 1
            if count > _MOST_MARKERS:
                raise UnreadableAnswer("more than 1,000 markers")
            quantity = _read(passage, kind, notation)
            if quantity is not None and found is not None and quantity.value != found.value:
                raise UnreadableAnswer("two different values")
            found = quantity or found
        if found is not None:
            return found
        if count and kind.decides:
            raise UnreadableAnswer("no number after the marker")
    return None


def _read(passage: str, kind: MarkerKind, notation: Notation) -> Quantity | None:
    """Return the number that a passage states."""
    try:
        quantity = None if kind.only_sentence else read_quantity(passage, notation)
    except UnreadableNumber as error:
        raise UnreadableAnswer(str(error)) from None
    return read_only_number(passage, notation) if quantity is None and kind.is_sentence else quantity


def reference_reader(*, marker: str | None, notation: Notation) -> Callable[[JsonValue], Quantity | None]:
    """Return a function that reads the number of a reference answer, or None when it has none.

    A reference is a number, a text with one (a bare number, or a solution that ends in `#### 72`), or an object with
    such a value under `final_answer`, `answer` or `text`. JSON's own numbers are read as JSON writes them.

    Args:
        marker: The author's own marker.
        notation: How numbers are written in texts.
    """

    @functools.lru_cache(maxsize=1024)  # the rollouts of a prompt share their reference
    def of_text(text: str, notation: Notation) -> Quantity | None:
        try:
            marked = read_final_answer(text, marker=marker, notation=notation)
            return marked or read_quantity(text.strip(), notation)
        except (UnreadableAnswer, UnreadableNumber):
            return None

    def of(reference: JsonValue) -> Quantity | None:
        value = reference_value(reference)
        if isinstance(value, str):
            return of_text(value, notation)
        return None if value is None else of_text(repr(value), ENGLISH)

    return of


def reference_value(reference: JsonValue) -> str | int | float | None:
    """Return the text or the number of a reference answer, or None when it has neither or is beyond 1e100.

    Args:
        reference: A text or number, or an object with one under `final_answer`, `answer` or `text`.
    """
    if isinstance(reference, dict):
        reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
    if isinstance(reference, str):
        return reference
    if isinstance(reference, bool) or not isinstance(reference, (int, float)):
        return None
    return reference if abs(reference) < 10**100 else None


def check_marker(marker: object) -> None:
    """Refuse what cannot be an author's marker.

    Raises:
        ValueError: One line.
    """
    if marker is not None and (not isinstance(marker, str) or not marker.strip()):
        raise ValueError(f"marker: got {marker!r}, wanted a text")


@functools.cache
def marker_kinds(marker: str | None = None) -> tuple[MarkerKind, ...]:
    """Return the ways to mark an answer, strongest first.

    Args:
        marker: The author's own marker; upper and lower case are alike.
    """
    own = () if marker is None else (re.compile(re.escape(marker), re.IGNORECASE),)
    return (
        *(MarkerKind(functools.partial(_following, pattern), decides=True, is_sentence=True) for pattern in own),
        MarkerKind(_after_hashes),
        MarkerKind(_boxes, decides=True, is_sentence=True),
        MarkerKind(_tags_and_json, decides=True, is_sentence=True),
        MarkerKind(functools.partial(_following, _ANSWER)),
        MarkerKind(functools.partial(_following, _RESULT)),
        MarkerKind(_bold_in_last_line),
        MarkerKind(_bare_last_line),
        MarkerKind(functools.partial(_following, _ANSWER), is_sentence=True, only_sentence=True),
        MarkerKind(_bold_in_last_line, is_sentence=True, only_sentence=True),
    )


def _following(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield what follows each marker, to the end of the first line with something in it."""
    for match in pattern.finditer(text):
        yield _line(text, match.end())


def _after_hashes(text: str) -> Iterator[str]:
    """Yield what follows each `####`."""
    return _following(_HASHES, text) if "####" in text else iter(())


def _line(text: str, start: int) -> str:
    """Return the first line with something in it from a place on, cut just beyond the limit."""
    space = _SPACE.match(text, start)
    start = space.end() if space else start
    return text[start : start + LONGEST + 1].split("\n", 1)[0].rstrip()


def _boxes(text: str) -> Iterator[str]:
    """Yield the content of each box, braces balanced; an unclosed or overlong box is empty."""
    for match in _BOX.finditer(text):
        depth = 1
        content = text[match.end() : match.end() + LONGEST]
        for position, character in enumerate(content):
            depth += (character == "{") - (character == "}")
            if depth == 0:
                yield content[:position].strip()
                break
        else:
            yield ""


def _tags_and_json(text: str) -> Iterator[str]:
    """Yield the content of each answer tag (an unclosed one runs to its line's end) and each answer in JSON."""
    for match in _TAG.finditer(text):
        content = text[match.end() : match.end() + LONGEST]
        end = _TAG_END.search(content)
        yield content[: end.start()].strip() if end else _line(text, match.end())
    for match in _JSON_KEY.finditer(text):
        yield _json_value(text[match.end() : match.end() + LONGEST])


def _json_value(text: str) -> str:
    r"""Return the value at the head of JSON, leniently: models write `"\frac{1}{2}"` with one backslash or with two."""
    string = _JSON_STRING.match(text)
    if string is None:
        return re.split(r"[}\n\"']", text, maxsplit=1)[0].strip().rstrip(",")
    return _JSON_ESCAPE.sub(_unescaped, string["content"]).strip()


def _unescaped(match: re.Match[str]) -> str:
    """Return what an escape of JSON stands for, white space as a blank."""
    return match["kept"] or (chr(int(match["code"], 16)) if match["code"] else " ")


def _last_line(text: str) -> str:
    """Return the last line with something in it."""
    return text.rstrip()[-2 * LONGEST :].rsplit("\n", 1)[-1].strip()


def _bold_in_last_line(text: str) -> Iterator[str]:
    """Yield bold passages of the last line."""
    for match in _BOLD.finditer(_last_line(text)):
        yield match[1]


def _bare_last_line(text: str) -> Iterator[str]:
    """Yield the last line when a number and at most three words are all it is."""
    line = _last_line(text)
    head = _LAST_DIGIT.match(line)
    if head is not None and len(line) <= LONGEST and _BARE_REST.fullmatch(line, head.end()):
        yield line
