"""The grader `text`: nearness to a reference text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.spelling import folded
from rft_rewards.words import words
from rft_runtime.certification.kind import Frame, Kind
from rft_runtime.certification.probe import Probe, Turn

_REFERENCE_KEYS = ("text", "answer")
_TIMES_AS_LONG = 9
_FILLER = "or it may be something else that nobody has thought of yet"


class TextKind(Kind):
    """A text, by one of four measures."""

    pass_at = 0.9
    margin = 0.3
    needs_reference = True

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        self._metric = options.get("metric")
        extra = options.get("extra_words")
        self._room = extra if isinstance(extra, int) else 0

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        golds = self._golds(reference)
        return self._spelled(golds[0]) or None if golds else None

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return the least that an answer to `other` loses, from what both texts have in common in any order."""
        theirs = self._golds(other)
        if not theirs:
            return 0.0
        return 1 - max((self._nearness(gold, theirs[0]) for gold in self._golds(reference)), default=1.0)

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        golds = self._golds(reference)
        if not golds or not self._spelled(golds[0]):
            return ()
        ways = [("plain", golds[0])]
        ways += [(f"reference-{number}", gold) for number, gold in enumerate(golds[1:4], 2) if self._spelled(gold)]
        if not self._is_case_sensitive and golds[0].upper().casefold() == golds[0].casefold():
            ways.append(("upper-case", golds[0].upper()))
        if self._metric == "exact" and self.options.get("punctuation", "edges") == "edges":
            ways.append(("quoted", f'"{golds[0]}"'))
        return ways

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside so many wrong ones that no room for a sentence can hold them."""
        golds = self._golds(reference)
        if not golds:
            return
        wrong = [texts[0] for other in others if (texts := self._golds(other))]
        enough = _TIMES_AS_LONG * (len(words(golds[0])) + self._room)
        while sum(len(words(text)) for text in wrong) < enough:
            wrong.append(_FILLER)
        yield Probe("all-answers", Turn(frame.around("\n".join([*wrong, golds[0]]))))
        half = len(wrong) // 2
        yield Probe("hidden-gold", Turn(frame.around(" or ".join([*wrong[:half], golds[0], *wrong[half:]]))))

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        golds = self._golds(reference)
        if not golds:
            return
        yield Probe("first-letter", Turn(golds[0].strip()[:1]), partly_right=len(golds[0].strip()) < 4)
        if len(set(words(golds[0]))) > 3:
            yield Probe("first-word", Turn(words(golds[0])[0]))
        yield Probe("said-many-times", Turn(" ".join([golds[0]] * (_TIMES_AS_LONG + 3 + self._room))))

    @property
    def _is_case_sensitive(self) -> bool:
        return self.options.get("case_sensitive") is True

    def _spelled(self, text: str) -> str:
        plain = folded(text, case_sensitive=self._is_case_sensitive)
        return plain if self._metric in ("exact", "edit") else " ".join(words(plain))

    def _nearness(self, gold: str, other: str) -> float:
        """Return an upper bound of what another text is worth."""
        spelled, theirs = self._spelled(gold), self._spelled(other)
        if self._metric == "exact":
            return float(" ".join(words(spelled)) == " ".join(words(theirs)))
        ours, found = (
            (Counter(spelled), Counter(theirs))
            if self._metric == "edit"
            else (
                Counter(spelled.split()),
                Counter(theirs.split()),
            )
        )
        common = (ours & found).total()
        if self._metric == "contains":
            return float(common == ours.total())
        if self._metric == "edit":
            return common / max(ours.total(), found.total(), 1)
        return 2 * common / max(ours.total() + found.total(), 1)

    def _golds(self, reference: JsonValue) -> list[str]:
        if isinstance(reference, dict):
            reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
        listed = reference if isinstance(reference, list) else [reference]
        texts = [str(one) for one in listed if isinstance(one, (str, int)) and not isinstance(one, bool)]
        return texts if len(texts) == len(listed) else []
