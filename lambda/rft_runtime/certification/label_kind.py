"""The grader `label`: one label of a closed set, or several."""

from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.label_set import LabelSet, count_words
from rft_runtime.certification.kind import BARE, Frame, Kind
from rft_runtime.certification.own_grader import OwnGrader
from rft_runtime.certification.probe import Probe, Turn

_REFERENCE_KEYS = ("label", "labels", "answer", "text")
_DECORATED = (
    Frame("bold", "**", "**"),
    Frame("full-stop", "", "."),
    Frame("quoted", '"', '"'),
    Frame("line-breaks", "\n", "\n"),
    Frame("colon", "Answer: "),
)


class LabelKind(Kind):
    """A closed set. What is written here is asked of the grader's own rules, never of the deployed function."""

    pass_at = 1.0
    margin = 0.5
    needs_reference = True

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        self._labels = [one for one in _list(options.get("labels")) if isinstance(one, str)]
        self._set = LabelSet(self._labels, case_sensitive=options.get("case_sensitive") is True)
        self._several = options.get("multiple") is True
        self._none = options.get("none")
        self._max_words = options.get("max_words", 16)
        # The marker only says where an answer stands; what it says is the same without.
        plain = {name: value for name, value in options.items() if name not in ("marker", "max_words")}
        self._grader = OwnGrader("label", {**plain, "max_words": None})

    @property
    def frames(self) -> Sequence[Frame]:
        """Return where the grader finds an answer."""
        marker = self.options.get("marker")
        if isinstance(marker, str):
            return (Frame("own-marker", f"They ask for one thing only.\n{marker} "),)
        decorated = [frame for frame in _DECORATED if self._is_plain(frame)]
        return (BARE, *decorated)

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        gold = self._gold(reference)
        return None if gold is None else ", ".join(sorted(map(self._set.spell, gold)))

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return how much of the score an answer to `other` loses."""
        gold = self._gold(other)
        return 0.0 if gold is None else 1 - self._grader.worth(self._joined(gold), reference)

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text gives the right answer by accident."""
        return self._grader.worth(text, reference) == 1

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        gold = self._gold(reference)
        if gold is None:
            return ()
        text = self._joined(gold)
        ways = [("plain", text)]
        if self.options.get("case_sensitive") is not True and text.upper().casefold() == text.casefold():
            ways += [("upper-case", text.upper()), ("capitalized", text.capitalize())]
        if len(gold) > 1:
            ways.append(("one-a-line", "\n".join(f"- {one}" for one in reversed(gold))))
        if " " in text and len(gold) == 1:
            ways.append(("underscores", text.replace(" ", "_")))
        return ways

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside wrong ones."""
        gold = self._gold(reference)
        if gold is None:
            return
        # Naming every label is legitimately worth something where several may apply.
        if set(map(self._set.spell, gold)) != set(map(self._set.spell, self._labels)):
            yield Probe("all-answers", Turn(frame.around(", ".join(self._labels))), partly_right=self._several)
        wrong = [one for one in self._labels if self._set.spell(one) not in map(self._set.spell, gold)][:2]
        if wrong:
            listed = " or ".join([wrong[0], *gold, *wrong[1:]])
            yield Probe("hidden-gold", Turn(frame.around(listed)), partly_right=self._several)

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        gold = self._gold(reference)
        if gold is None:
            return
        text = self._joined(gold)
        yield Probe("part-of-a-word", Turn(frame.around(f"xx{gold[0]}xx")), partly_right=len(gold) > 1)
        yield Probe("run-together", Turn(frame.around("x".join(self._labels))))
        yield Probe("no-answer", Turn(frame.around("")))
        if isinstance(self._max_words, int):
            beside = " word" * (self._max_words + 1)
            yield Probe("hidden-in-an-essay", Turn(frame.around(f"{beside} {text} {beside}")))
        for wrong in self._labels:
            if not self._several and 1 - self._grader.worth(wrong, reference) > self.margin:
                yield Probe("both-ways", Turn(frame.around(f"{text}, or rather {wrong}")))
                break

    def _is_plain(self, frame: Frame) -> bool:
        """Whether a frame names no label and leaves an answer short enough."""
        words = frame.around("")
        roomy = not isinstance(self._max_words, int) or count_words(words) + 4 <= self._max_words
        return not self._set.named_in(words) and (roomy or not count_words(words))

    def _gold(self, reference: JsonValue) -> list[str] | None:
        """Return the reference's labels as the set writes them, the word for none included."""
        if isinstance(reference, dict):
            reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
        given = [str(one) for one in (_list(reference) if self._several else [reference]) if _is_label(one)]
        if not given and self._several and isinstance(self._none, str) and isinstance(reference, list):
            return [self._none]
        known = [*self._labels, self._none] if isinstance(self._none, str) else self._labels
        spelled = {self._set.spell(one): one for one in known}
        found = [spelled[self._set.spell(one)] for one in given if self._set.spell(one) in spelled]
        return found if found and len(found) == len(given) else None

    def _joined(self, gold: Sequence[str]) -> str:
        return ", ".join(gold)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


def _is_label(value: JsonValue) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)
