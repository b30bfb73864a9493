"""The few-shot prompts that a ticket can be put behind: the candidates and the chosen one."""

from pathlib import Path

import msgspec

from examples.chat_row import ChatMessage

FOLDER = Path(__file__).parent


class Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The turns before the ticket, common to all rows.

    Args:
        name: Says how it is built.
        messages: A system message, examples as user and assistant turns, or both.
    """

    name: str
    messages: tuple[ChatMessage, ...]


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the base model answers behind one prompt.

    Args:
        name: Of the prompt.
        prefix_tokens: Length of the turns before the ticket, chat markup included.
        accuracy: Share of the validation tickets answered with their label, 0 to 1.
    """

    name: str
    prefix_tokens: int
    accuracy: float


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which prompt the datasets use, and why.

    Args:
        chosen: Name of the prompt.
        weights_sha256: Of the base model's file.
        tickets: Validation tickets answered.
        decoding: How answers were decoded.
        scores: One for each candidate, best first.
    """

    chosen: str
    weights_sha256: str
    tickets: int
    decoding: str
    scores: tuple[Score, ...]


def candidates() -> tuple[Prompt, ...]:
    """Return the prompts of `prompts.json`."""
    return msgspec.json.decode((FOLDER / "prompts.json").read_bytes(), type=tuple[Prompt, ...])


def choice() -> Choice:
    """Return what `choice.json` says, the file that `choose_prompt.py` writes."""
    return msgspec.json.decode((FOLDER / "choice.json").read_bytes(), type=Choice)


def chosen() -> Prompt:
    """Return the prompt that the datasets use."""
    name = choice().chosen
    return next(prompt for prompt in candidates() if prompt.name == name)
