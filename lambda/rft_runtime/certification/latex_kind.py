r"""The grader `math_latex`: final answers that are expressions."""

from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.final_answer import reference_value
from rft_runtime.certification.kind import Frame, Kind
from rft_runtime.certification.probe import Probe, Turn

_REASONING = "One step follows from the other.\n"
_LONGEST = 180


class LatexKind(Kind):
    r"""Expressions. No algebra is done here: wrong answers are the right one with something added.

    Another row's answer may be the same in other symbols, so it proves something only on average.
    """

    pass_at = 1.0
    margin = 0.5

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        marker = options.get("marker")
        self._marker = marker if isinstance(marker, str) else None

    @property
    def frames(self) -> Sequence[Frame]:
        """Return where the grader finds an answer."""
        own = (Frame("own-marker", f"{_REASONING}{self._marker} $", "$"),) if self._marker else ()
        return (
            *own,
            Frame("boxed", _REASONING + "\\boxed{", "}"),
            Frame("boxed-in-a-formula", _REASONING + "Therefore $\\boxed{", "}$."),
            Frame("answer-tags", _REASONING + "<answer>$", "$</answer>"),
        )

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        value = reference_value(reference)
        if value is None:
            return None
        text = str(value)
        start = text.rfind("\\boxed{")
        if start >= 0 and text.rstrip().rstrip("$.").endswith("}"):
            text = text[start + len("\\boxed{") :].rstrip().rstrip("$.")[:-1]
        text = text.strip().strip("$").strip()
        return text if text and len(text) <= _LONGEST and "####" not in text else None

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        text = self.key(reference)
        return () if text is None else (("plain", text),)

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside wrong ones."""
        text = self.key(reference)
        if text is not None:
            listed = [f"{text} + 1", text, f"{text} + 2"]
            yield Probe("all-answers", Turn("\n".join(frame.around(one) for one in listed)))
            yield Probe("hidden-gold", Turn(frame.around(" \\text{ or } ".join(listed))))

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        text = self.key(reference)
        if text is None:
            return
        yield Probe("off-by-one", Turn(frame.around(f"{text} + 1")))
        yield Probe("no-answer", Turn(frame.around("")))
        yield Probe("tower-of-powers", Turn(frame.around("9^{9^{9^{9}}}")))
        yield Probe("gold-in-the-reasoning", Turn(f"${text}$ would be too easy.\n" + frame.around(f"{text} + 1")))
