"""Quotations and citations, as `grounded` reads them."""

import re

from rft_contract.json_value import JsonObject
from rft_runtime.alignment.requirement import Mentioned, Requirement
from rft_runtime.alignment.wording import Wording

_quote = Wording(
    "quot|verbatim|word-for-word|word for word|exact|zit|wörtlich|mot à mot|guillemets|cita|comillas|цитат|引用|原文",
    r"\bquot\w*|\bverbatim\b|\bword[- ]for[- ]word\b|\bexact (?:words|wording|passages?|sentences?|text)\b|"
    r"\bzitat\w*|\bzitier\w*|\bwörtlich\w*|\bmot à mot\b|\bguillemets\b|\bcitation\b|\bcita(?:s|r)?\b|\bcomillas\b|"
    r"\bцитат\w*|引用|原文",
)
_cite = Wording(
    "cit|bracket|reference|source|passage|doc|zitier|quellen|引用",
    r"\bcit(?:e|es|ed|ing|ations?)\b|\bin (?:square )?brackets\b|"
    r"\b(?:reference|source|document|passage|doc)s? (?:ids?|numbers?)\b|\bzitier\w*|\bquellen\w*|\bcitez\b|"
    r"\bsources?\b(?=[^.\n]{0,40}\[)|引用",
)
_other_citation = Wording(
    "footnote|<cite|【|(source|(author|(doc|in parentheses|superscript",
    r"\bfootnotes?\b|<cite\b|【|\((?:source|author|doc)\b[^)\n]{0,30}\)|\bin parentheses\b|\bsuperscripts?\b",
)
_CITATION = re.compile(
    r"\[(?:n|id|\d{1,3}|doc[\w.-]*|source[\w.-]*)\](?=[^\S\n]*(?:[.,;)\"'`]|after|behind|at the end|$))",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETS = re.compile(r"\[[\w.,; -]{1,32}\]|\bbrackets\b")


def grounded_requirements(options: JsonObject) -> list[Requirement]:
    """Return what `grounded` wants to be told: to quote, and to cite ids in brackets, as far as each is demanded.

    Args:
        options: The grader's options.
    """
    found: list[Requirement] = []
    if options.get("min_quotes", 1):
        found.append(Mentioned("to quote its sources", {"": _quote}))
    if options.get("min_citations", 0) or options.get("attributed") is True:
        found.append(Mentioned("to cite its sources in brackets, such as `[1]`", {"": _cites}, _not_in_brackets))
    return found


def _cites(text: str) -> bool:
    """Whether a text asks for citations, and not in a form that is not read."""
    asked = _cite(text) or ("[" in text and _CITATION.search(text))
    return bool(asked) and _not_in_brackets(text) is None


def _not_in_brackets(text: str) -> str | None:
    """Name another form of citations, where brackets are not mentioned at all."""
    return "citations in another form" if _other_citation(text) and not _BRACKETS.search(text) else None
