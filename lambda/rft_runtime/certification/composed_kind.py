"""Rewards made of several graders: one says what is right, the others how it must be put."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.certification.kind import BARE, Frame, Kind
from rft_runtime.certification.probe import Probe, Turn

_FILLER = (
    "Before anything else let me look closely at what is being asked here, because the words matter and it would be "
    "easy to miss something small. Each part of this request has its own meaning, so I go through them slowly, write "
    "down whatever seems certain, put aside whatever does not, and only then decide. Nothing here depends upon "
    "guessing; every step follows from an earlier one, which makes checking simple. With those thoughts settled, here "
    "comes my result. "
)


class ComposedKind(Kind):
    """A composition whose content is one of its parts.

    A bare right answer need not score highest, so less is demanded of it; and it is put where all parts together
    accept it, which is tried out.

    Args:
        name: Name of the grader.
        options: Its options.
        content: The kind of the part that says what is right.
        parts: Graders and options of all parts.
    """

    pass_at = 0.5
    margin = 0.2

    def __init__(
        self, name: str, options: JsonObject, *, content: Kind, parts: Sequence[tuple[str, JsonObject]], noisy: bool
    ) -> None:
        super().__init__(name, options)
        self._content = content
        self._parts = parts
        self.noisy = noisy
        self.needs_reference = content.needs_reference
        self.rivals = content.rivals
        self.sees_mates = any(part == "novelty" for part, _ in parts) or content.sees_mates

    @property
    def can_write(self) -> bool:
        """Whether the content's right answers can be written."""
        return self._content.can_write

    @property
    def frames(self) -> Sequence[Frame]:
        """Return the content's frames, as they are, and dressed as the other parts ask."""
        plain = [*self._content.frames, BARE]
        dresses = [
            dress
            for part, options in self._parts
            if part == "format"
            for dress in (_blocks(options), _sections(options))
            if dress is not None
        ]
        dressed = [_inside(frame, dress) for dress in dresses for frame in plain]
        filled = [replace(frame, name=f"{frame.name}-at-length", before=_FILLER + frame.before) for frame in plain]
        return [*plain, *dressed, *filled]

    @property
    def strict_frames(self) -> bool:
        """An answer counts where all parts accept it, and only one such place is looked for."""
        return False

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        return self._content.key(reference)

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        return self._content.writings(reference)

    def gold(self, reference: JsonValue, frame: Frame) -> Turn | None:
        """Return a right completion."""
        return self._content.gold(reference, frame)

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return how much of the content's score an answer to `other` loses; only what loses all of it counts."""
        return float(self._content.distance(reference, other) >= 1 - 1e-9)

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text gives the right answer by accident."""
        return self._content.says(text, reference)

    def renderings(self, reference: JsonValue, frame: Frame) -> Iterator[Probe]:
        """Yield the right answer, written otherwise; nothing where a part demands how it is written."""
        if not any(part in ("format", "constraints") for part, _ in self._parts):
            yield from super().renderings(reference, frame)

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside wrong ones; what is paid in part by the content need only score less."""
        yield from self._content.mixtures(reference, others, frame)

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled the content's grader."""
        yield from self._content.hacks(reference, others, frame)


def _blocks(options: JsonObject) -> Frame | None:
    """Return a frame of blocks, such as `<think>...</think><answer>...</answer>`; the last one holds the answer."""
    names = options.get("blocks")
    if not isinstance(names, list) or not names:
        return None
    before = "".join(f"<{name}>{_FILLER}</{name}>\n" for name in names[:-1])
    return Frame("blocks", f"{before}<{names[-1]}>", f"</{names[-1]}>")


def _sections(options: JsonObject) -> Frame | None:
    """Return a frame of sections; the last one holds the answer."""
    names = options.get("sections")
    if not isinstance(names, list) or not names:
        return None
    before = "".join(f"## {name}\n{_FILLER}\n" for name in names[:-1])
    return Frame("sections", f"{before}## {names[-1]}\n")


def _inside(frame: Frame, dress: Frame) -> Frame:
    return Frame(f"{dress.name}-{frame.name}", dress.before + frame.before, frame.after + dress.after)
