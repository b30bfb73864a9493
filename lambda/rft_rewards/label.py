"""The `label` grader: classification, routing and moderation into a closed set."""

import re
from collections.abc import Mapping, Sequence

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.label_set import LabelSet, count_words
from rft_rewards.options import check_flag, check_whole
from rft_rewards.sample import Sample

_REFERENCE_KEYS = ("label", "labels", "answer", "text")
_LONGEST = 200_000
_LARGEST_BETA = 10
_LARGEST_COST = 1_000_000


def label(
    *,
    labels: Sequence[str],
    multiple: bool = False,
    beta: float = 1.0,
    none: str | None = None,
    costs: Mapping[str, Mapping[str, float]] | None = None,
    marker: str | None = None,
    case_sensitive: bool = False,
    max_words: int | None = 16,
) -> Grader:
    """Return a grader that asks which label of a closed set a completion names, or which labels.

    What naming means is said in `rft_rewards.label_set`. Naming the same label twice is fine.

    One label: the reference's is worth 1, another one 0 or, with `costs`, 1 minus its share of the highest cost.
    Several labels (`multiple`): the set F-beta of the named labels against the reference's, `(1 + b²)·hits /
    ((1 + b²)·hits + b²·missed + surplus)` (van Rijsbergen, Information Retrieval, 1979, chapter 7). Naming every label
    earns what that formula gives it and no more: with 2 of 6 labels right 0.5 at beta 1, 0.38 at beta 0.5, 0.71 at
    beta 2. So choose beta above 1 only where a surplus label does little harm.

    Refused, that is scored 0: no label; two different labels where one is asked (`billing or delivery`); part of a word
    (`billings`); `none` beside a label; more than `max_words` words, since a long text that happens to use a label's
    word is no answer to a closed question, and copying the prompt would otherwise pay by chance; more than 200,000
    characters; an English negation right before a label (`not billing`, `isn't a scam`), whatever it may mean. Other
    negations are not understood: `"billing": false` names billing.

    Args:
        labels: The set, at least two, all different. A refusal that moderation wants is a label like any other.
        multiple: Whether a completion may name several labels.
        beta: How many times recall matters as much as precision, above 0 up to 10; only with `multiple`.
        none: The word with which a completion says that no label applies, the right answer to an empty reference; only
            with `multiple`. An empty completion never says so.
        costs: Reference's label -> named label -> what that mistake costs, above 0; a mistake that is not listed costs
            as much as the worst one. Only without `multiple`. A label whose mistakes are all cheap pays when it is
            always named, as with every cost-sensitive score.
        marker: The text that the prompt asks for before the answer, such as `Label:`, for completions that reason
            aloud; only what follows its first place is read, and nothing is read without it. Upper and lower case are
            alike.
        case_sensitive: Whether `Billing` is another word than `billing`.
        max_words: Longest text that is read as an answer, in words; with `multiple`, in words beside the labels. None:
            any length.

    Returns:
        A grader for references that are a label, or an object with one under `label`, `labels`, `answer` or `text`;
        with `multiple`, a list of labels is one too, and an empty one (or `none` itself) where `none` is set. Whole
        numbers stand for their digits. Anything else, and a label outside the set, is invalid.

    Raises:
        ValueError: When an option has the wrong form, or one is used without the other that it needs.
    """
    check_flag("multiple", multiple)
    check_whole("max_words", max_words, least=1, null=True)
    if not _is_number(beta) or not 0 < beta <= _LARGEST_BETA or (beta != 1 and not multiple):
        raise ValueError(f"beta: got {beta!r}, wanted a number above 0 up to {_LARGEST_BETA}, and multiple: true")
    if none is not None and (not isinstance(none, str) or not count_words(none) or not multiple):
        raise ValueError(f"none: got {none!r}, wanted a word, and multiple: true")
    if marker is not None and (not isinstance(marker, str) or not marker.strip()):
        raise ValueError(f"marker: got {marker!r}, wanted a text")
    known = LabelSet(labels, case_sensitive=case_sensitive)
    words = known if none is None else LabelSet([*labels, none], case_sensitive=case_sensitive)
    nothing = frozenset[str]() if none is None else frozenset((known.spell(none),))
    worth = _worth(costs, known, multiple)
    own_marker = None if marker is None else re.compile(re.escape(marker), re.IGNORECASE)

    def right(reference: JsonValue) -> frozenset[str]:
        listed = _listed(reference, multiple)
        gold = frozenset[str]() if listed is None else frozenset(map(known.spell, listed)) or nothing
        is_mixed = bool(nothing) and nothing < gold
        return frozenset() if is_mixed or any(one not in words for one in gold) else gold

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        gold = right(sample.reference)
        if not gold:
            return Invalid("reference-not-a-label")
        text = sample.completion if own_marker is None else _following(own_marker, sample.completion)
        named = words.named_in(text) if len(text) <= _LONGEST else frozenset[str]()
        components = _components(gold, named) if multiple else {"named": float(len(named) == 1)}
        if not named or (len(named) > 1 and (named & nothing or not multiple)):
            return Score(0.0, "two labels that exclude each other" if named else "no label", components)
        if words.is_negated_in(text):
            return Score(0.0, "a negated label", components)
        if max_words is not None and (words.words_beside(text) if multiple else count_words(text)) > max_words:
            return Score(0.0, f"more than {max_words} words", components)
        if named == gold:
            return Score(1.0, "the reference's", components)
        if multiple:
            return Score(_f_beta(gold, named, beta), "other labels", components)
        return Score(worth.get((min(gold), min(named)), 0.0), "another label", components)

    return grade


def _components(gold: frozenset[str], named: frozenset[str]) -> dict[str, float]:
    """Return the parts of a set's score."""
    hits = len(gold & named)
    return {"named": float(bool(named)), "precision": hits / len(named) if named else 0.0, "recall": hits / len(gold)}


def _f_beta(gold: frozenset[str], named: frozenset[str], beta: float) -> float:
    """Return the F-beta of a set of named labels."""
    hits = (1 + beta**2) * len(gold & named)
    return hits / (hits + beta**2 * len(gold - named) + len(named - gold))


def _following(marker: re.Pattern[str], text: str) -> str:
    """Return what follows a marker's first place; empty without one."""
    place = marker.search(text)
    return text[place.end() :] if place else ""


def _is_number(value: object) -> bool:
    """Whether a value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _worth(costs: object, known: LabelSet, multiple: bool) -> dict[tuple[str, str], float]:
    """Return (reference's label, named label) -> what that mistake is worth, 0 to 1; what is not listed is worth 0."""
    if costs is None:
        return {}
    if not isinstance(costs, Mapping) or not costs or multiple:
        raise ValueError(f"costs: got {costs!r}, wanted label -> label -> cost, and multiple: false")
    listed: dict[tuple[str, str], float] = {}
    for gold, row in costs.items():
        if not isinstance(row, Mapping) or not row:
            raise ValueError(f"costs: got {row!r} for {gold!r}, wanted label -> cost")
        for named, cost in row.items():
            pair = (known.spell(str(gold)), known.spell(str(named)))
            if pair[0] not in known or pair[1] not in known or pair[0] == pair[1] or pair in listed:
                raise ValueError(f"costs: got {gold!r} -> {named!r}, wanted two different labels, each pair once")
            if not _is_number(cost) or not 0 < cost <= _LARGEST_COST:
                raise ValueError(f"costs: got {cost!r} for {gold!r} -> {named!r}, wanted above 0 to {_LARGEST_COST:,}")
            listed[pair] = float(cost)
    worst = max(listed.values())
    return {pair: 1 - cost / worst for pair, cost in listed.items()}


def _listed(reference: JsonValue, multiple: bool) -> list[str] | None:
    """Return the reference's labels as texts, or None when it has none."""
    if isinstance(reference, dict):
        reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
    several = reference if isinstance(reference, list) and multiple else [reference]
    labels = [_text(one) for one in several]
    return None if None in labels else [one for one in labels if one is not None]


def _text(value: JsonValue) -> str | None:
    """Return a label as text: a whole number stands for its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else None
    return value if isinstance(value, str) else None
