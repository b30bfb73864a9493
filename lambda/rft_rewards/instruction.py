r"""One verifiable instruction: a constraint on a text that a program can check.

It is a mapping with a `kind` and the kind's own parameters. A *range* is `at_least`, `at_most` or both, or `exactly`.

| kind | parameters | holds when |
|---|---|---|
| `words`, `characters`, `sentences`, `paragraphs`, `lines` | a range | the text has so many (lines: not blank) |
| `bullets`, `numbered`, `headings` | a range | it has so many lines that begin with `-`, `*`, `+`, `•`; `1.`; `#` |
| `placeholders` | a range | it has so many such as `[name]` |
| `capital_words` | a range | it has so many words of two letters or more, all of them capitals |
| `keyword` | `text`; a range, else at least once | the words stand in it so often, whole and in a row |
| `keywords` | `texts`; `present`: `all`, `any` or `none` | as many of them as said stand in it |
| `substring` | `text`; a range, else at least once | the characters stand in it so often, exactly as written |
| `case` | `style`: `upper`, `lower` or `title` | its letters are so; in a title, the first of words with four or more |
| `starts_with`, `ends_with` | `text` | it does, but for case, space and typography |
| `one_of` | `texts` | it is one of them, but for case, space and typography |
| `sections` | `names` | it has them in order, none empty (see `rft_rewards.sections`) |
| `json` | `type`: `any`, `object` or `array` (optional) | it is JSON as a whole, perhaps in one Markdown fence |
| `language` | `code`; `share`: 0 to 1, 0.8 by default | so much of it is in the language (see `rft_rewards.language`) |
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import NoReturn, TypeAlias

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.language import language_code, share_written_in
from rft_rewards.options import check_choice, check_share, check_texts, check_whole
from rft_rewards.sections import has_sections, heading_name
from rft_rewards.sentences import count_sentences
from rft_rewards.spelling import folded
from rft_rewards.words import count_characters, count_words, has_words, iterate_words, word_row

_MOST_TEXTS = 64
_LONGEST_TEXT = 2_000

_BULLET = re.compile(r"\s{0,32}[-*+•–]\s+\S")
_NUMBERED = re.compile(r"\s{0,32}\d{1,4}[.)]\s+\S")
_HEADING = re.compile(r"#{1,6}\s+\S")
_PLACEHOLDER = re.compile(r"\[[^\[\]\n]{1,100}\](?!\()")
_FENCED = re.compile(r"```[a-zA-Z0-9]*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


class Reading:
    """A text, read once however many instructions ask about it."""

    def __init__(self, text: str) -> None:
        """Take a text of any length."""
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.text.splitlines() if line.strip()]

    @cached_property
    def folded(self) -> str:
        """The text as `rft_rewards.spelling` spells it."""
        return folded(self.text)

    @cached_property
    def row(self) -> str:
        """The folded text's words."""
        return word_row(self.folded)


_Check: TypeAlias = Callable[[Reading], bool]


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a text shall be like.

    Args:
        kind: One of the kinds above.
        holds: Tells whether a text is like it.
    """

    kind: str
    holds: _Check


def read_instruction(value: JsonValue) -> Instruction:
    """Read an instruction.

    Args:
        value: A mapping as in the table above.

    Raises:
        ValueError: One line, when the kind or a parameter is unknown, missing or illegal.
    """
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"got {value!r:.200}, wanted a mapping whose kind is one of {', '.join(_KINDS)}")
    parameters = {name: parameter for name, parameter in value.items() if name != "kind"}
    try:
        check = _KINDS[kind](parameters)
    except ValueError as error:
        raise ValueError(f"{kind}: {error}") from None
    if parameters:
        raise ValueError(f"{kind}: got the parameter {next(iter(parameters))!r}, which it does not have")
    return Instruction(kind, check)


_Reader: TypeAlias = Callable[[JsonObject], _Check]
"""Takes what it knows out of an instruction's parameters."""


def _range(parameters: JsonObject, at_least: int | None = None) -> Callable[[int], bool]:
    """Take a range; where there is none, the one that begins at `at_least`."""
    names = ("exactly", "at_least", "at_most")
    given = {name: parameters.pop(name) for name in names if name in parameters}
    for name, limit in given.items():
        check_whole(name, limit, least=0)
    limits = {name: limit for name, limit in given.items() if isinstance(limit, int)}
    if not limits:
        if at_least is None:
            raise ValueError("got no limit, wanted at_least, at_most or exactly")
        limits = {"at_least": at_least}
    if "exactly" in limits and len(limits) > 1:
        raise ValueError("got exactly beside another limit, wanted one of them")
    lowest = limits.get("exactly", limits.get("at_least", 0))
    highest = limits.get("exactly", limits.get("at_most"))
    if highest is not None and lowest > highest:
        raise ValueError(f"got at_least {lowest} above at_most {highest}")
    return lambda count: lowest <= count and (highest is None or count <= highest)


def _text(parameters: JsonObject, *, of_words: bool = False) -> str:
    """Take the parameter `text`."""
    text = parameters.pop("text", None)
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT or (of_words and not has_words(text)):
        raise ValueError(f"text: got {text!r:.200}, wanted {'words' if of_words else 'a text'}")
    return text


def _texts(parameters: JsonObject, name: str) -> list[str]:
    """Take a parameter that is a list of texts."""
    texts = parameters.pop(name, None)
    check_texts(name, texts, most=_MOST_TEXTS)
    if not texts:
        raise ValueError(f"{name}: got {texts!r}, wanted at least one text")
    return [str(text) for text in texts] if isinstance(texts, list) else []


def _counted(count: Callable[[Reading], int]) -> _Reader:
    """Return the reader of a kind that counts something."""

    def read(parameters: JsonObject) -> _Check:
        fits = _range(parameters)
        return lambda reading: fits(count(reading))

    return read


def _count_lines(line: re.Pattern[str]) -> Callable[[Reading], int]:
    """Return a function that counts the lines of a form."""
    return lambda reading: sum(1 for text in reading.lines if line.match(text))


def _count_paragraphs(reading: Reading) -> int:
    """Count the runs of lines between blank ones that hold a word."""
    lines = reading.text.splitlines()
    runs = (run for blank, run in groupby(lines, key=lambda line: not line.strip()) if not blank)
    return sum(any(map(has_words, run)) for run in runs)


def _count_capital_words(reading: Reading) -> int:
    """Count the words of at least two letters, all capitals."""
    return sum(len(word) > 1 and word.isalpha() and word.isupper() for word in iterate_words(reading.text))


def _read_keyword(parameters: JsonObject) -> _Check:
    """Words that must stand in the text so often."""
    wanted = word_row(folded(_text(parameters, of_words=True)))
    fits = _range(parameters, at_least=1)
    return lambda reading: fits(reading.row.count(wanted))


def _read_keywords(parameters: JsonObject) -> _Check:
    """Words of which all, any or none must stand in it."""
    rows = [word_row(folded(text)) for text in _texts(parameters, "texts")]
    present = parameters.pop("present", None)
    check_choice("present", present, ("all", "any", "none"))
    if not all(rows):
        raise ValueError("texts: got one without words")
    if present == "all":
        return lambda reading: all(row in reading.row for row in rows)
    return lambda reading: any(row in reading.row for row in rows) == (present == "any")


def _read_substring(parameters: JsonObject) -> _Check:
    """Characters that must stand in it so often."""
    wanted = _text(parameters)
    fits = _range(parameters, at_least=1)
    return lambda reading: fits(reading.text.count(wanted))


def _read_case(parameters: JsonObject) -> _Check:
    """How its letters must be written."""
    style = parameters.pop("style", None)
    check_choice("style", style, ("upper", "lower", "title"))
    if style == "title":
        return lambda reading: _is_title(reading.text)
    return lambda reading: reading.text.isupper() if style == "upper" else reading.text.islower()


def _is_title(text: str) -> bool:
    """Whether the first word and all words of four letters or more begin with a capital, as far as they can."""
    return has_words(text) and not any(
        word[0].islower() and (place == 0 or len(word) > 3) for place, word in enumerate(iterate_words(text))
    )


def _read_starts_with(parameters: JsonObject) -> _Check:
    """What it must begin with."""
    wanted = folded(_text(parameters))
    return lambda reading: reading.folded.startswith(wanted)


def _read_ends_with(parameters: JsonObject) -> _Check:
    """What it must end with."""
    wanted = folded(_text(parameters))
    return lambda reading: reading.folded.endswith(wanted)


def _read_one_of(parameters: JsonObject) -> _Check:
    """Texts of which it must be one."""
    allowed = {folded(text) for text in _texts(parameters, "texts")}
    return lambda reading: reading.folded in allowed


def _read_sections(parameters: JsonObject) -> _Check:
    """Headings that it must have in order."""
    names = _texts(parameters, "names")
    if not all(map(heading_name, names)) or len(set(map(heading_name, names))) < len(names):
        raise ValueError(f"names: got {names!r}, wanted headings that differ by more than decoration")
    return lambda reading: has_sections(reading.text, names)


def _read_json(parameters: JsonObject) -> _Check:
    """It must be JSON."""
    wanted = parameters.pop("type", "any")
    check_choice("type", wanted, ("any", "object", "array"))
    kind = {"object": dict, "array": list}.get(str(wanted), object)
    return lambda reading: _is_json(reading.text.strip(), kind)


def _is_json(text: str, kind: type) -> bool:
    """Whether a text, or what its only Markdown fence holds, is JSON of a kind."""
    fenced = _FENCED.fullmatch(text)
    try:
        return isinstance(json.loads(fenced[1] if fenced else text, parse_constant=_refuse), kind)
    except (ValueError, RecursionError):
        return False


def _refuse(_name: str) -> NoReturn:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise ValueError("not JSON")


def _read_language(parameters: JsonObject) -> _Check:
    """What language it must be written in."""
    code = language_code(parameters.pop("code", None))
    share = parameters.pop("share", 0.8)
    check_share("share", share)
    wanted = float(share) if isinstance(share, (int, float)) else 0.0
    return lambda reading: share_written_in(reading.text, code) >= wanted


_KINDS: Mapping[str, _Reader] = MappingProxyType(
    {
        "words": _counted(lambda reading: count_words(reading.text)),
        "characters": _counted(lambda reading: count_characters(reading.text)),
        "sentences": _counted(lambda reading: count_sentences(reading.text)),
        "paragraphs": _counted(_count_paragraphs),
        "lines": _counted(lambda reading: len(reading.lines)),
        "bullets": _counted(_count_lines(_BULLET)),
        "numbered": _counted(_count_lines(_NUMBERED)),
        "headings": _counted(_count_lines(_HEADING)),
        "placeholders": _counted(lambda reading: len(_PLACEHOLDER.findall(reading.text))),
        "capital_words": _counted(_count_capital_words),
        "keyword": _read_keyword,
        "keywords": _read_keywords,
        "substring": _read_substring,
        "case": _read_case,
        "starts_with": _read_starts_with,
        "ends_with": _read_ends_with,
        "one_of": _read_one_of,
        "sections": _read_sections,
        "json": _read_json,
        "language": _read_language,
    }
)
