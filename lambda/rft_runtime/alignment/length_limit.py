"""The band of lengths that `length` pays."""

from math import inf

from rft_contract.json_value import JsonObject
from rft_runtime.alignment.requirement import Mentioned, Requirement
from rft_runtime.alignment.stated_length import stated_lengths
from rft_runtime.alignment.wording import Wording

_brief = Wording(
    "word limit|word count|brief|concise|short|succinct|kurz|knapp|brève|bref|corto|breve|conciso|"
    "кратко|简短|简洁|短く|簡潔",
    r"\b(?:word (?:limit|count)|brief(?:ly)?|concise(?:ly)?|short(?:er|ly)?|succinct(?:ly)?|kurz\w*|"
    r"knapp\w*|brève(?:ment)?|bref|corto|breve(?:mente)?|conciso|кратко\w*)\b|简短|简洁|短く|簡潔",
)
_long = Wording(
    "detail|depth|thorough|long|comprehensive|extensive|ausführlich|détaill|detallad|dettagliat|详细|詳しく",
    r"\b(?:detailed|in detail|in[ -]depth|thorough(?:ly)?|long|lengthy|comprehensive(?:ly)?|extensive(?:ly)?|"
    r"ausführlich\w*|détaillée?|detallad\w*|dettagliat\w*)\b|详细|詳しく",
)


def length_limit(options: JsonObject) -> Requirement:
    """Return what `length` wants to be told: a length in numbers, or at least that the answer be short, or long.

    A length that the prompt states in the grader's own unit, and that is paid nothing, contradicts it.

    Args:
        options: The grader's options.
    """
    most, least, buffer = (_whole(options.get(name)) for name in ("at_most", "at_least", "buffer"))
    unit = str(options.get("unit", "words"))
    low = 0.0 if least is None else max(0, least - (buffer or 0) + 1)
    high = inf if most is None else most + (buffer or 0) - 1
    vague = [wording for limit, wording in ((most, _brief), (least, _long)) if limit is not None]

    def is_told(text: str) -> bool:
        found = stated_lengths(text)
        own = [length for length in found if length.unit == unit]
        if own:
            return any(length.meets(low, high) for length in own)
        return bool(found) or any(wording(text) for wording in vague)

    def rival(text: str) -> str | None:
        own = [length for length in stated_lengths(text) if length.unit == unit]
        return f"another number of {unit}" if own and not any(length.meets(low, high) for length in own) else None

    limits = [f"at least {least:,}" if least is not None else "", f"at most {most:,}" if most is not None else ""]
    return Mentioned(f"a length ({' and '.join(filter(None, limits))} {unit})", {"": is_told}, rival)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
