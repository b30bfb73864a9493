"""Which prompt of a dataset is most like another: MinHash and LSH for the candidates, then an exact comparison.

MinHash estimates the Jaccard similarity of sets (Broder, "On the resemblance and containment of documents", 1997);
bands of a few of its values find what is similar without comparing all pairs (Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rensa import RMinHash, RMinHashLSH

from rft_dataset.prompt_sketch import PAIR_BYTES, Sketch

HASHES = 96
BANDS = 32
"""Three hashes a band: a pair is a candidate at a similarity of 0.55 (one word of six) with 99.7 %, of 0.1 with 3 %."""

MOST_COMPARED = 64
"""Candidates that a prompt is compared with; one that has so many is not added, so that no band grows further."""

LEAST_SHARED = 0.5
"""Share of their word pairs that similar prompts have in common."""

WORDS_PER_CHANGE = 15
MOST_CHANGES = 3
"""Words that may differ: one, or one for each 15, three at most."""

TELLING_WORDS = 20
"""Words that a prompt must have so that one of them may differ beside the answer."""

COMMON_SHARE = 0.01
COMMON_PROMPTS = 5
"""What so many of the prompts have in common, with different answers, tells nothing about one of them."""

_MOST_SAMPLED = 2_000
_MOST_PAIRS_SAMPLED = 200_000
_SEED = 1


class PromptIndex:
    """Prompts, and what is most like them.

    Two prompts are alike when they are only written differently (whitespace, case, punctuation, form of numbers), or
    when they are similar: roles, numbers and operators agree in their order, since another quantity is another problem,
    and few words differ, one in most prompts, so that at least half of the pairs of neighbouring words are the same.
    This holds for the whole prompt and, of several turns, for the last one too: the steps of a conversation differ.

    What many prompts with different answers share (an instruction, a template, a document) is left out. Of a template
    only what fills it remains, and two fillings differ; a prompt of which nothing remains is similar to none.

    Prompts with different reference answers are similar only when they are long and one word differs. In a short one
    the word that differs (a name, a product, a city) is what the question is about, and the answers say so.

    Args:
        rows: Show what many prompts share; they are not added.
    """

    def __init__(self, rows: Sequence[Sketch]) -> None:
        self._common = _common_pairs(rows)
        self._written: dict[bytes, Sketch] = {}
        self._near = RMinHashLSH(threshold=LEAST_SHARED, num_perm=HASHES, num_bands=BANDS)
        self._added: list[Sketch] = []
        self._telling = lru_cache(maxsize=4 * MOST_COMPARED)(self._telling_pairs)

    def __len__(self) -> int:
        """How many prompts others are compared with."""
        return len(self._added)

    def nearest(self, prompt: Sketch) -> Sketch | None:
        """Return the added prompt that another is most like, the first of several; None when it is like none."""
        return self._find(prompt, add=False)

    def nearest_then_add(self, prompt: Sketch) -> Sketch | None:
        """Return the added prompt that another is most like, then add the other."""
        return self._find(prompt, add=True)

    def _find(self, prompt: Sketch, *, add: bool) -> Sketch | None:
        """Return what a prompt is most like; the first of those that are only written differently stands for all."""
        same = self._written.get(prompt.folded) or self._written.get(prompt.said)
        if add:
            self._written.setdefault(prompt.folded, prompt)
            self._written.setdefault(prompt.said, prompt)
        own = self._telling_pairs(prompt)
        if same is not None or not own:
            return same
        signature = RMinHash(num_perm=HASHES, seed=_SEED)
        signature.update([prompt.frame + pair for pair in own])  # prompts with other numbers share nothing
        places = self._near.query(signature)
        if add and len(places) < MOST_COMPARED:
            self._near.insert(len(self._added), signature)
            self._added.append(prompt)
        return self._most_similar(prompt, own, (self._added[place] for place in sorted(places)[:MOST_COMPARED]))

    def _most_similar(self, prompt: Sketch, own: frozenset[bytes], others: Iterable[Sketch]) -> Sketch | None:
        """Return the first of the most similar ones; None when none is similar."""
        best, most = None, 0.0
        for other in others:
            theirs = self._telling(other)
            shared = _shared(own, theirs)
            if shared > most and prompt.frame == other.frame and _are_similar(prompt, own, other, theirs):
                best, most = other, shared
        return best

    def _telling_pairs(self, prompt: Sketch) -> frozenset[bytes]:
        """Return the pairs that tell a prompt from others."""
        return prompt.all_pairs() - self._common


def _are_similar(one: Sketch, own: frozenset[bytes], other: Sketch, theirs: frozenset[bytes]) -> bool:
    """Whether prompts with the same numbers are similar, by their telling pairs and by those of their last turns."""
    size = max(len(own), len(theirs))
    if one.answer == other.answer:
        allowed = min(MOST_CHANGES, max(1, size // WORDS_PER_CHANGE))
    else:
        allowed = 1 if size >= TELLING_WORDS else 0
    return _differ_little(own, theirs, allowed) and _differ_little(one.last_pairs(), other.last_pairs(), allowed)


def _differ_little(one: frozenset[bytes], other: frozenset[bytes], allowed: int) -> bool:
    """Whether at most so many words differ, each of which is in two pairs, and enough pairs are shared."""
    if one == other:
        return True
    changed = max(len(one - other), len(other - one))
    return changed <= 2 * allowed and _shared(one, other) >= LEAST_SHARED


def _shared(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """Return the Jaccard similarity of two sets, of which one is not empty."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def _common_pairs(rows: Sequence[Sketch]) -> frozenset[bytes]:
    """Return the pairs that many prompts with different answers have, by every n-th prompt."""
    prompts = list({row.said: row for row in rows}.values())
    pairs = sum(len(prompt.pairs) for prompt in prompts) // PAIR_BYTES
    sample = prompts[:: max(1, len(prompts) // _MOST_SAMPLED, pairs // _MOST_PAIRS_SAMPLED)]
    least = max(COMMON_PROMPTS, len(sample) * COMMON_SHARE)
    counts = Counter(pair for prompt in sample for pair in prompt.all_pairs())
    frequent = {pair for pair, count in counts.items() if count >= least}
    answers: defaultdict[bytes, set[int | None]] = defaultdict(set)
    for prompt in sample:
        for pair in frequent & prompt.all_pairs():
            answers[pair].add(prompt.answer)
    return frozenset(pair for pair, found in answers.items() if len(found) > 1 or None in found)
