"""Sections of a text under headings that the prompt asked for."""

import re
from collections.abc import Sequence

from rft_rewards.spelling import folded
from rft_rewards.words import has_words

_DECORATION = " \t#*_>:.-"
_NUMBER = re.compile(r"\d{1,3}[.)]\s")
_LONGEST_HEADING = 200


def has_sections(text: str, names: Sequence[str]) -> bool:
    """Whether a text has the sections, once each, in order, none of them empty.

    A heading is a line that holds the name alone, as text, in Markdown (`## Name`, `**Name**`), with a number before it
    or a colon after it; or a line that begins with the name and a colon and goes on with the section's text. Upper and
    lower case are alike.

    Args:
        text: The text; read in time linear in its length.
        names: The headings.
    """
    places = {heading_name(name): place for place, name in enumerate(names)}
    current = -1
    filled = True
    for line in text.splitlines():
        place, rest = _heading(line, places)
        if place is not None:
            if place != current + 1 or not filled:
                return False
            current, filled = place, has_words(rest)
        elif not filled:
            filled = has_words(line)
    return filled and current == len(names) - 1


def heading_name(line: str) -> str:
    """Return what a heading says, without what makes it one."""
    return folded(_NUMBER.sub("", line.strip(_DECORATION), count=1)).strip(_DECORATION)


def _heading(line: str, places: dict[str, int]) -> tuple[int | None, str]:
    """Return the place of the section that a line begins, and the text that follows on it; no place if it is none."""
    place = places.get(heading_name(line)) if len(line) <= _LONGEST_HEADING else None
    if place is not None:
        return place, ""
    name, _, rest = line.partition(":")
    return (places.get(heading_name(name)) if rest and len(name) <= _LONGEST_HEADING else None), rest
