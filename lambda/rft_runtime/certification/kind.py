"""What a certificate must know of a grader: how its right answers are written, and how it is fooled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.certification.probe import Probe, Turn


@dataclass(frozen=True, slots=True)
class Frame:
    """Text around an answer.

    Args:
        name: In kebab case.
        before: What stands before the answer.
        after: What stands behind it.
    """

    name: str
    before: str = ""
    after: str = ""

    def around(self, answer: str) -> str:
        """Return the answer in its frame."""
        return f"{self.before}{answer}{self.after}"


BARE = Frame("bare")


class Kind:
    """A grader whose right answers cannot be written from the reference; the others override what they can do.

    Args:
        name: Name of the grader, or `own`.
        options: The grader's options.
    """

    pass_at: float = 0.5
    margin: float = 0.2
    noisy: bool = False
    """Whether two calls may differ, and cost money: then a sample is sent and means are compared."""

    needs_reference: bool = False
    """Whether a row can never be graded when no right answer can be written from its reference."""

    sees_mates: bool = False
    """Whether a completion's score depends on the other completions of its prompt in the same event."""

    rivals: Sequence[str] = ("empty", "prompt-echo", "refusal")
    """What is never right, of what can be sent to every reward."""

    def __init__(self, name: str, options: JsonObject) -> None:
        self.name = name
        self.options = options

    @property
    def can_write(self) -> bool:
        """Whether right answers can be written from references, where these are as they should be."""
        return type(self).key is not Kind.key

    @property
    def frames(self) -> Sequence[Frame]:
        """Where the grader finds an answer; the first is the usual one."""
        return (BARE,)

    @property
    def strict_frames(self) -> bool:
        """Whether an answer must count in every frame. Otherwise one is chosen that the reward accepts."""
        return True

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share; None when no right answer can be written from this one."""
        return None

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer, each with a name; the first is the plainest."""
        return ()

    def gold(self, reference: JsonValue, frame: Frame) -> Turn | None:
        """Return a right completion; None when none can be written."""
        writings = self.writings(reference)
        return Turn(frame.around(writings[0][1])) if writings else None

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return about how much of the score an answer to `other` loses: 0 for the same answer, 1 for nothing right."""
        return float(self.key(reference) != self.key(other))

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text that was not made for the row gives its right answer all the same, by accident."""
        return False

    def renderings(self, reference: JsonValue, frame: Frame) -> Iterator[Probe]:
        """Yield the right answer, written and framed otherwise."""
        writings = self.writings(reference)
        for name, text in writings[1:]:
            yield Probe(name, Turn(frame.around(text)))
        if writings and self.strict_frames:
            for other in self.frames[1:]:
                yield Probe(other.name, Turn(other.around(writings[0][1])))

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield `all-answers` and `hidden-gold`: the right answer beside wrong ones.

        Args:
            reference: The row's.
            others: References with other answers.
            frame: Where an answer stands.
        """
        return iter(())

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled graders of this kind. Arguments as for `mixtures`."""
        return iter(())
