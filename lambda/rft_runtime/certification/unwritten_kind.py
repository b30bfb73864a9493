"""Graders whose right answers cannot be written from the reference: the author's cases say what they are."""

from rft_runtime.certification.kind import Kind


class CheckedKind(Kind):
    """`code` and `json_schema`: right or wrong by a program."""

    pass_at = 1.0
    margin = 0.5


class JudgedKind(Kind):
    """`judge`: noisy and paid for, so a sample is sent and means are compared."""

    margin = 0.0
    noisy = True


class FormKind(Kind):
    """`constraints`: what a completion must look like. A refusal may well look like that."""

    rivals = ("empty",)


class QuotedKind(Kind):
    """`grounded`: quotations of the prompt, so that repeating it is no proof of a fault."""

    rivals = ("empty", "refusal")


class UnwrittenKind(Kind):
    """A composition that accepts its content's answers in no place that is known.

    Args:
        kind: The composition's.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.name, kind.options)
        self.noisy, self.sees_mates, self.rivals = kind.noisy, kind.sees_mates, kind.rivals
