"""The `text` grader: how near a completion comes to a reference text, or to the nearest of several."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rapidfuzz.distance import LCSseq, Levenshtein

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.options import check_choice, check_flag, check_whole
from rft_rewards.sample import Sample
from rft_rewards.spelling import folded
from rft_rewards.words import words

_REFERENCE_KEYS = ("text", "answer")
_MOST_REFERENCES = 64
_LONGEST_REFERENCE = 20_000
_LONGEST_RATIO = 10

_WRAPPING = "\"'“”‘’„«»*_`"
_ENDING = ".!?…。！？"


def text(
    *, metric: str, case_sensitive: bool = False, punctuation: str = "edges", extra_words: int | None = None
) -> Grader:
    """Return a grader that compares a completion with a reference text.

    | metric | value |
    |---|---|
    | `exact` | 1 if the texts are equal, else 0 |
    | `contains` | 0 unless the reference's words stand in the completion, whole and in a row; else precision |
    | `rouge_l` | F-measure of the longest common subsequence of words |
    | `edit` | 1 - Levenshtein distance of characters / length of the longer text |

    `contains` pays by precision, min(1, (words of the reference + `extra_words`) / words of the completion), so that a
    list of guesses or a copy of the prompt earns little: one right answer among four earns 1/4, hidden in a thousand
    words 1/1000. A sentence around the answer costs too, unless `extra_words` allows for it; but whatever room a
    sentence has, guesses have as well. Negation is not understood: `not Paris` contains Paris.

    `rouge_l` is 2PR/(P+R) with P = common/words of the completion, R = common/words of the reference (Lin 2004, "ROUGE:
    A Package for Automatic Evaluation of Summaries", beta 1), without stemming. It measures wording, not truth.

    Of several references the nearest counts. Texts are compared as `rft_rewards.spelling.folded` spells them;
    `contains` and `rouge_l` see words alone, so use `math` or `numeric` where a sign or a decimal point matters.

    Refused, that is scored 0: with `exact` anything but a reference; with `contains` a completion that lacks a word of
    the reference or breaks its order; with `rouge_l` and `edit` a completion more than ten times as long as it.

    Args:
        metric: `exact`, `contains`, `rouge_l` or `edit`.
        case_sensitive: Whether upper and lower case differ.
        punctuation: What `exact` and `edit` do with it. `keep`: it counts. `edges`: quotation marks and Markdown
            emphasis around the whole text, and what ends its last sentence, do not count. `ignore`: only words count.
        extra_words: Words that `contains` allows around the reference at no cost; 0 by default.

    Returns:
        A grader for references that are a text, a list of up to 64 acceptable texts, or an object with either under
        `text` or `answer`; whole numbers stand for their digits. Anything else is invalid, and so is a text of more
        than 20,000 characters, or one of which nothing counts.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_choice("metric", metric, _METRICS)
    check_flag("case_sensitive", case_sensitive)
    check_choice("punctuation", punctuation, ("keep", "edges", "ignore"))
    check_whole("extra_words", extra_words, least=0, null=True)
    if extra_words is not None and metric != "contains":
        raise ValueError(f"extra_words: got {extra_words!r}, which only the metric contains has")
    compare = _contains(extra_words or 0) if metric == "contains" else _METRICS[metric]
    of_words = metric in ("contains", "rouge_l")

    def spell(written: str) -> str:
        plain = folded(written, case_sensitive=case_sensitive)
        if of_words or punctuation == "ignore":
            return " ".join(words(plain))
        return plain.strip(_WRAPPING + " ").rstrip(_ENDING).strip(_WRAPPING + " ") if punctuation == "edges" else plain

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        golds = _golds(sample.reference)
        if not golds or len(golds) > _MOST_REFERENCES:
            return Invalid("reference-not-a-text")
        if any(len(gold) > _LONGEST_REFERENCE for gold in golds):
            return Invalid("reference-too-long")
        spelled = list(map(spell, golds))
        if not all(spelled):
            return Invalid("reference-empty")
        answer = spell(sample.completion)
        value = max(compare(gold, answer) for gold in spelled)
        return Score(value, f"{metric}: {value:.2f} to the nearest of {len(golds)}")

    return grade


def _golds(reference: JsonValue) -> list[str] | None:
    """Return the acceptable texts, or None when the reference is something else."""
    if isinstance(reference, dict):
        reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
    golds: list[str] = []
    for value in reference if isinstance(reference, list) else [reference]:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            value = str(value)
        if not isinstance(value, str):
            return None
        golds.append(value)
    return golds


_Comparison = Callable[[str, str], float]


def _exact(gold: str, answer: str) -> float:
    """Return whether both are equal."""
    return float(gold == answer)


def _contains(extra: int) -> _Comparison:
    """Return the metric that asks for the gold's words and pays by their share of the answer's."""

    def compare(gold: str, answer: str) -> float:
        if f" {gold} " not in f" {answer} ":
            return 0.0
        return min(1.0, (gold.count(" ") + 1 + extra) / (answer.count(" ") + 1))

    return compare


def _rouge_l(gold: str, answer: str) -> float:
    """Return the F-measure of the longest common subsequence, 2 x common / (both lengths)."""
    gold_words, answer_words = gold.split(" "), answer.split(" ")
    if len(answer_words) > _LONGEST_RATIO * len(gold_words):
        return 0.0
    numbers = {word: number for number, word in enumerate(dict.fromkeys(gold_words))}
    unknown = len(numbers)
    common = LCSseq.similarity(
        [numbers[word] for word in gold_words], [numbers.get(word, unknown) for word in answer_words]
    )
    return 2 * common / (len(gold_words) + len(answer_words))


def _edit(gold: str, answer: str) -> float:
    """Return the share of characters that need no edit."""
    return Levenshtein.normalized_similarity(gold, answer) if len(answer) <= _LONGEST_RATIO * len(gold) else 0.0


_METRICS: Mapping[str, _Comparison] = MappingProxyType(
    {"exact": _exact, "contains": _contains(0), "rouge_l": _rouge_l, "edit": _edit}
)
