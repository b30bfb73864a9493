"""The `grounded` grader: quotations and citations exist in the given context."""

import functools
from collections.abc import Callable, Mapping
from itertools import islice

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.options import check_choice, check_flag, check_share, check_whole
from rft_rewards.quotation import Quotation, cited_ids, quotations
from rft_rewards.sample import Sample
from rft_rewards.sources import given_sources, is_tag_name, prompt_sources
from rft_rewards.spelling import folded
from rft_rewards.words import count_row, word_row

_MOST_QUOTATIONS = 64
_MOST_CITATIONS = 64


def grounded(
    *,
    source: str = "prompt",
    field: str | None = None,
    min_words: int = 5,
    min_quotes: int = 1,
    min_citations: int = 0,
    attributed: bool = False,
    max_share: float = 0.5,
) -> Grader:
    """Return a grader that looks up what a completion quotes and cites.

    A quotation is supported when its words stand in one source, whole, in a row and in order; case, space, punctuation
    and typography do not matter. Around an ellipsis (`...`, `[...]`) every part needs `min_words` and must follow the
    one before in the same source. A citation is known when a source has its id. Equal and nested quotations count once.
    The value is the smaller of the share of quotations that are supported and the share of cited ids that are known, so
    that a true one does not outweigh an invented one twice.

    Refused, that is scored 0: fewer supported quotations than `min_quotes`, or fewer known citations than
    `min_citations`; quotations that make up more than `max_share` of the context, since copying it all would always be
    supported; more than 64 quotations or ids. Quotations shorter than `min_words` count neither way.

    Whether the quotation answers the question, and whether the words around it follow from it, is not looked at:
    combine it with a grader of content.

    Args:
        source: Where the context stands: in the turns of the `prompt`, in the row's `metadata`, or in its `reference`.
        field: Name of the metadata's or the reference's field that holds it (for the reference, None: the whole of it);
            in the prompt, the name of the tag around it, such as `context` (None: every word of the turns may be
            quoted, the question too).
        min_words: Length of the shortest quotation that counts, in words.
        min_quotes: How many supported quotations a completion needs.
        min_citations: How many different known ids it needs.
        attributed: Whether each quotation must be followed by a citation, `"..." [1]`, of a source that contains it.
        max_share: Largest share of the context's words that may be quoted.

    Returns:
        A grader that reads the sources as `rft_rewards.sources` says. A row without a context is invalid.

    Raises:
        ValueError: When an option has the wrong form, or nothing is asked for.
    """
    check_choice("source", source, ("prompt", "metadata", "reference"))
    check_whole("min_words", min_words, least=1)
    check_whole("min_quotes", min_quotes, least=0, most=_MOST_QUOTATIONS)
    check_whole("min_citations", min_citations, least=0, most=_MOST_CITATIONS)
    check_flag("attributed", attributed)
    check_share("max_share", max_share)
    if min_quotes == min_citations == 0:
        raise ValueError("min_quotes: got 0 beside min_citations 0, wanted one of them from 1")
    sources_of = _reader(source, field)

    def grade(sample: Sample) -> Grade:
        sources = sources_of(sample)
        if not sources:
            return Invalid("context-missing" if sources is None else "context-empty")
        rows = {name: _row(text) for name, text in sources.items()}
        found = list(islice(quotations(sample.completion, min_words=min_words), _MOST_QUOTATIONS + 1))
        cited = {name for name in cited_ids(sample.completion) if name in rows or any(map(str.isdigit, name))}
        if len(found) > _MOST_QUOTATIONS or len(cited) > _MOST_CITATIONS:
            return Score(0.0, f"more than {_MOST_QUOTATIONS} quotations or citations")
        quotes = _distinct(found)
        supported = [quote for quote in quotes if _is_supported(quote, rows, min_words, attributed)]
        known = cited & rows.keys()
        copied = sum(quote.length for quote in supported) / max(1, sum(map(count_row, rows.values())))
        value = min(_share(len(supported), len(quotes)), _share(len(known), len(cited)))
        words = f"{len(supported)} of {len(quotes)} quotations, {len(known)} of {len(cited)} citations"
        if len(supported) < min_quotes or len(known) < min_citations:
            value, words = 0.0, f"too few: {words}"
        elif copied > max_share:
            value, words = 0.0, f"{copied:.0%} of the context is quoted"
        return Score(value, words, _components(quotes=quotes, supported=supported, citations=cited, known=known))

    return grade


_Sources = Mapping[str, str]


def _reader(source: str, field: str | None) -> Callable[[Sample], _Sources | None]:
    """Return the function that finds a sample's sources."""
    if field is not None and (not isinstance(field, str) or not field.strip()):
        raise ValueError(f"field: got {field!r}, wanted a name, or null")
    if source == "prompt":
        if field is not None and not is_tag_name(field):
            raise ValueError(f"field: got {field!r}, wanted the name of a tag, or null")
        return lambda sample: prompt_sources(sample.prompt, field)
    if source == "reference":
        return lambda sample: given_sources(_member(sample.reference, field))
    if field is None:
        raise ValueError("field: got null, wanted the name of the metadata's field")
    return lambda sample: given_sources(sample.metadata.get(field))


def _member(reference: JsonValue, field: str | None) -> JsonValue:
    """Return a field of the reference, or all of it."""
    if field is None:
        return reference
    return reference.get(field) if isinstance(reference, dict) else None


@functools.lru_cache(maxsize=256)  # the rollouts of a prompt share their sources
def _row(text: str) -> str:
    """Return a source's words."""
    return word_row(folded(text))


def _distinct(found: list[Quotation]) -> list[Quotation]:
    """Return the quotations that are not equal to, or part of, another one."""
    longest_first = sorted(found, key=lambda quote: -quote.length)
    kept: list[Quotation] = []
    for quote in longest_first:
        if not any(all(any(part in whole for whole in other.parts) for part in quote.parts) for other in kept):
            kept.append(quote)
    return kept


def _is_supported(quote: Quotation, rows: Mapping[str, str], min_words: int, attributed: bool) -> bool:
    """Whether a source has a quotation, a cited one where that is asked for."""
    if len(quote.parts) > 1 and any(count_row(part) < min_words for part in quote.parts):
        return False
    if attributed:
        return any(_stands_in(quote, rows[name]) for name in quote.cited & rows.keys())
    return any(_stands_in(quote, row) for row in rows.values())


def _stands_in(quote: Quotation, row: str) -> bool:
    """Whether the parts of a quotation follow one another in a source."""
    position = 0
    for part in quote.parts:
        start = row.find(part, position)
        if start < 0:
            return False
        position = start + len(part)
    return True


def _share(part: int, whole: int) -> float:
    """Return a share; all of nothing is all."""
    return part / whole if whole else 1.0


def _components(**counted: list[Quotation] | set[str]) -> dict[str, float]:
    """Return how many there are of each."""
    return {name: float(len(members)) for name, members in counted.items()}
