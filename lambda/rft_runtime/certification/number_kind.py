"""Graders that compare a final number: `math` and `numeric`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.final_answer import UnreadableAnswer, read_final_answer, reference_reader
from rft_rewards.notation import Notation
from rft_runtime.certification.kind import Frame, Kind
from rft_runtime.certification.probe import Probe, Turn

_REASONING = "First 3 + 4 = 7, and the rest follows.\n"
_FRAMES = (
    Frame("hashes", _REASONING + "#### "),
    Frame("hashes-without-space", _REASONING + "####"),
    Frame("hashes-bold", _REASONING + "#### **", "**"),
    Frame("hashes-and-full-stop", _REASONING + "#### ", "."),
    Frame("text-after-the-answer", _REASONING + "#### ", "\n" + "That is what was asked. " * 20),
    Frame("boxed", _REASONING + "\\boxed{", "}"),
    Frame("boxed-in-a-formula", _REASONING + "Therefore $\\boxed{", "}$."),
    Frame("answer-tags", _REASONING + "<answer>", "</answer>"),
    Frame("the-answer-is", _REASONING + "The answer is ", "."),
    Frame("bold-last-line", _REASONING + "**", "**"),
)
_LARGEST = 10**30
_GROUPS = {"english": ",", "continental": ".", "swiss": "'"}
_NEAR: Mapping[str, Callable[[Fraction], Fraction]] = {
    "off-by-one": lambda gold: gold + 1,
    "off-by-a-tenth": lambda gold: gold + Fraction(1, 10),
    "sign-flipped": lambda gold: -gold,
    "ten-times": lambda gold: gold * 10,
    "hundred-times": lambda gold: gold * 100,
    "hundredth": lambda gold: gold / 100,
    "one-percent-more": lambda gold: gold * Fraction(101, 100),
}


class NumberKind(Kind):
    """`math`: exact values, one reading a text."""

    pass_at = 1.0
    margin = 0.5
    needs_reference = True

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        marker = options.get("marker")
        self._marker = marker if isinstance(marker, str) else None
        self._separators = str(options.get("separators", "english"))
        self._notation = Notation(
            separators=self._separators,
            accounting=options.get("accounting") is True,
            scale_words=options.get("scale_words") is True or isinstance(options.get("scale"), str),
        )
        self._read = reference_reader(marker=self._marker, notation=self._notation)

    @property
    def frames(self) -> Sequence[Frame]:
        """Return where the grader finds an answer."""
        own = (Frame("own-marker", f"{_REASONING}{self._marker} "),) if self._marker else ()
        return (*own, *_FRAMES)

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        value = self.value(reference)
        return None if value is None else str(value)

    def value(self, reference: JsonValue) -> Fraction | None:
        """Return the reference's number; None when it has none that can be written down."""
        found = self._read(reference)
        return None if found is None or abs(found.value) > _LARGEST else found.value

    def is_right(self, value: Fraction, gold: Fraction) -> bool:
        """Whether another number counts as the right one."""
        return value == gold

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return how much of the score an answer to `other` loses."""
        gold, value = self.value(reference), self.value(other)
        return float(gold is not None and value is not None and not self.is_right(value, gold))

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text gives the right answer by accident."""
        gold = self.value(reference)
        try:
            found = read_final_answer(text, marker=self._marker, notation=self._notation)
        except UnreadableAnswer:
            return False
        return gold is not None and found is not None and self.is_right(found.value, gold)

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        value = self.value(reference)
        if value is None:
            return ()
        plain, sign = self.write(value), "-" * (value < 0)
        ways = [("plain", plain)]
        if "/" in plain:
            return (*ways, ("tex-fraction", f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"))
        point = "," if self._separators == "continental" else "."
        whole, _, decimals = plain.lstrip("-").partition(point)
        tail = f"{point}{decimals}" if decimals else ""
        ways += [
            ("trailing-zeros", f"{plain}0" if decimals else f"{plain}{point}00"),
            ("in-dollars", f"{sign}${whole}{tail}"),
            ("with-a-word", f"{plain} apples"),
            ("full-width-digits", plain.translate({ord(str(digit)): ord("０") + digit for digit in range(10)})),
        ]
        if len(whole) > 3 and self._separators in _GROUPS:
            grouped = f"{int(whole):,}".replace(",", _GROUPS[self._separators])
            ways.append(("thousands", f"{sign}{grouped}{tail}"))
        if value < 0:
            ways.append(("unicode-minus", plain.replace("-", "−")))
        return ways

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside wrong ones."""
        gold, wrong = self._gold_and_wrong(reference, others)
        if gold is None or not wrong:
            return
        listed = [*map(self.write, wrong[:2]), self.write(gold), *map(self.write, wrong[2:6])]
        yield Probe("all-answers", Turn("\n".join(frame.around(text) for text in listed)))
        yield Probe("hidden-gold", Turn(frame.around("; ".join(listed))))

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        gold, wrong = self._gold_and_wrong(reference, others)
        if gold is None:
            return
        for name, change in _NEAR.items():
            near = change(gold)
            if not self.is_right(near, gold):
                yield Probe(name, Turn(frame.around(self.write(near))))
        plain = self.write(gold)
        yield Probe("number-flood", Turn(frame.around(" ".join(map(str, range(1000))) + f" {plain}")))
        yield Probe("no-answer", Turn(frame.around("")))
        yield Probe("not-a-number", Turn(frame.around("NaN")))
        yield Probe("infinity", Turn(frame.around("1e9999")))
        yield Probe("range", Turn(frame.around(f"{self.write(gold - 5)} to {self.write(gold + 5)}")))
        for other in wrong[:1]:
            text = self.write(other)
            yield Probe("either-or", Turn(frame.around(f"{plain} or {text}")))
            yield Probe("gold-retracted", Turn(frame.around(plain) + "\nWait, no.\n" + frame.around(text)))
            yield Probe("gold-in-the-reasoning", Turn(f"{plain} would be too easy.\n" + frame.around(text)))

    def write(self, value: Fraction) -> str:
        """Return a number as the reward's readers write it."""
        text = written(value)
        return text.replace(".", ",") if self._separators == "continental" else text

    def _gold_and_wrong(
        self, reference: JsonValue, others: Sequence[JsonValue]
    ) -> tuple[Fraction | None, list[Fraction]]:
        gold = self.value(reference)
        if gold is None:
            return None, []
        values = [value for other in others if (value := self.value(other)) is not None]
        return gold, [value for value in dict.fromkeys(values) if not self.is_right(value, gold)]


class NumericKind(NumberKind):
    """`numeric`: a declared tolerance."""

    def is_right(self, value: Fraction, gold: Fraction) -> bool:
        """Whether a number lies within twice the tolerance, so that no rounding decides."""
        if self.options.get("sign") == "ignore":
            value, gold = abs(value), abs(gold)
        places = self.options.get("places")
        half_place = Fraction(10) ** -places / 2 if isinstance(places, int) else Fraction(0)
        distance = max(half_place, _fraction(self.options.get("abs")))
        return abs(value - gold) <= 2 * max(distance, _fraction(self.options.get("rel")) * abs(gold))


def _fraction(option: JsonValue) -> Fraction:
    return Fraction(str(option)) if isinstance(option, (int, float)) else Fraction(0)


def written(value: Fraction) -> str:
    """Return a number as people write it: a decimal where it ends, else a fraction."""
    twos_and_fives = value.denominator
    places = 0
    for factor in (10, 2, 5):
        while twos_and_fives % factor == 0:
            twos_and_fives //= factor
            places += 1
    if twos_and_fives != 1 or places > 12:
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".") if places else digits
    return f"{'-' * (value < 0)}{text}"
