"""The verifiable instructions of `constraints`, asked for in the prompt."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_runtime.alignment.language_names import language_mention
from rft_runtime.alignment.prompt import Mention, Prompt
from rft_runtime.alignment.requirement import TOLD, Telling
from rft_runtime.alignment.stated_length import stated_lengths
from rft_runtime.alignment.wording import Wording, literal, words_in_a_row

_STATED = ("words", "characters", "sentences", "paragraphs", "lines", "bullets")
_SUBJECTS: Mapping[str, str] = {
    "words": "word|brief|short|concise|long|length",
    "characters": "character|letter|short|long|length",
    "sentences": "sentence",
    "paragraphs": "paragraph",
    "lines": "line",
    "bullets": "bullet|list|point",
    "numbered": "number|numbered|list|step",
    "headings": "heading|headline|header|section|title|markdown",
    "placeholders": "placeholder|bracket",
    "capital_words": "capital|uppercase|upper-case|upper case|cap",
}
"""Kind of instruction -> how prompts speak of what it counts, where its limits are no numbers that they would name."""

_CASES = {
    "upper": Wording(
        "upper|capital|caps|großbuchstaben|majuscules|mayúsculas|maiuscol",
        r"\bupper[ -]?case|\bcapital|\bcaps\b|großbuchstaben|majuscules|mayúsculas|maiuscol",
    ),
    "lower": Wording(
        "lower|small letters|no capital|kleinbuchstaben|minuscules|minúsculas|minuscol",
        r"\blower[ -]?case|\bsmall letters|\bno capital|kleinbuchstaben|minuscules|minúsculas|minuscol",
    ),
    "title": Wording("title", "title"),
}
_LARGEST_LIMIT = 10**9
_NAMES = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class CheckedInstructions:
    """Each instruction that is checked, of all rows and of a row's own.

    Args:
        options: The grader's options.
    """

    what = "every constraint that is checked"
    names_fields_of_rows = False

    def __init__(self, options: JsonObject) -> None:
        self._common = _instructions(options.get("constraints"))

    def told_by(self, prompt: Prompt) -> Telling | None:
        """Return which kinds of instructions a prompt does not ask for; None when nothing is checked."""
        reference = prompt.reference
        own = _instructions(reference.get("constraints")) if isinstance(reference, dict) else []
        checked = [*self._common, *own]
        missing: dict[str, None] = {}
        for kind, text in checked:
            mentions = _mentions(text)
            if not all(prompt.mentions(mention) for mention in mentions):
                if kind in _STATED and (instead := prompt.asks(_other_number(text))):
                    return Telling((), instead)
                missing[kind] = None
        return (Telling(tuple(missing)) if missing else TOLD) if checked else None


def _instructions(value: JsonValue) -> list[tuple[str, str]]:
    """Return kind and canonical text of each instruction that can be read."""
    listed = value if isinstance(value, list) else []
    try:
        return [(str(one["kind"]), canonical(one)) for one in listed if isinstance(one, dict) and "kind" in one]
    except (ValueError, RecursionError):
        return []


@lru_cache(maxsize=1024)
def _mentions(instruction: str) -> tuple[Mention, ...]:
    """Return what a prompt must mention to ask for an instruction; nothing where that is not known."""
    parameters = _parameters(instruction)
    kind = str(parameters["kind"])
    match kind:
        case "keyword" | "starts_with" | "ends_with":
            return tuple(map(words_in_a_row, _texts(parameters, "text")))
        case "keywords" | "one_of":
            return tuple(map(words_in_a_row, _texts(parameters, "texts")))
        case "sections":
            return tuple(map(words_in_a_row, _texts(parameters, "names")))
        case "substring":
            return tuple(map(literal, _texts(parameters, "text")))
        case "json":
            return (literal("json", case_sensitive=False),)
        case "case":
            style = _CASES.get(str(parameters.get("style")))
            return (style,) if style else ()
        case "language":
            mention = language_mention(str(parameters.get("code")))
            return (mention,) if mention else ()
    return (_count_mention(kind, parameters),) if kind in _SUBJECTS else ()


@lru_cache(maxsize=1024)
def _other_number(instruction: str) -> "_OtherNumber":
    """Return the rival of an instruction that counts what prompts state."""
    parameters = _parameters(instruction)
    return _OtherNumber(str(parameters["kind"]), _band(parameters))


class _OtherNumber:
    """Names another number of what is counted, where a text states one that can never be right."""

    def __init__(self, unit: str, band: tuple[float, float]) -> None:
        self._unit, self._band = unit, band

    def __call__(self, text: str) -> str | None:
        own = [length for length in stated_lengths(text) if length.unit == self._unit]
        return f"another number of {self._unit}" if own and not any(one.meets(*self._band) for one in own) else None


def _count_mention(kind: str, parameters: JsonObject) -> Mention:
    """Return a mention of a number of something: one that fits, its limit as a number, or the thing for limits to 1."""
    low, high = _band(parameters)
    limits = [int(limit) for limit in {low, high} if 1 < limit < inf]
    near = [number for limit in limits for number in (limit, limit + 1 if limit == high else limit - 1)]
    names = [str(number) for number in near] + [f"{number:,}" for number in near if number > 999]
    names += [_NAMES[number] for number in near if number < len(_NAMES)]
    wanted = "|".join(names or [_SUBJECTS[kind]])
    thing = Wording(wanted, rf"(?<![\w.,])(?:{wanted})s?(?!\w)")

    def mention(text: str) -> bool:
        own = [length for length in stated_lengths(text) if length.unit == kind] if kind in _STATED else []
        return any(length.meets(low, high) for length in own) if own else thing(text) is not None

    return mention


def _band(parameters: JsonObject) -> tuple[float, float]:
    """Return the fewest and the most that an instruction allows."""
    exactly, least, most = (_number(parameters.get(name)) for name in ("exactly", "at_least", "at_most"))
    if exactly is not None:
        return exactly, exactly
    return (0.0 if least is None else least), (inf if most is None else most)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST_LIMIT:
        return None
    return float(value)


def _parameters(instruction: str) -> JsonObject:
    parameters: JsonObject = json.loads(instruction)
    return parameters


def _texts(parameters: JsonObject, name: str) -> Iterable[str]:
    value = parameters.get(name)
    listed = value if isinstance(value, list) else [value]
    return [text for text in listed if isinstance(text, str) and any(map(str.isalnum, text))]
