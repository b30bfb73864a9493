"""Which logged prompts are wanted, and the strata that a sample of them is drawn from."""

from hashlib import blake2b

import msgspec

from rft_dataset.invocation_log import LoggedPrompt
from rft_dataset.records import folded

_METADATA = "metadata:"
_NO_VALUE = "(none)"
STRATA = f"{_METADATA}KEY, model, length or system"
"""What strata can be made by, in words."""


class Condition(msgspec.Struct, frozen=True):
    """What a call's metadata must say.

    Args:
        key: Of the metadata.
        value: The value.
        equals: True: it must have the value; False: it must not. A call without the key does not have it.
    """

    key: str
    value: str
    equals: bool = True

    def holds(self, metadata: dict[str, str]) -> bool:
        """Return whether metadata meet it."""
        return (metadata.get(self.key) == self.value) is self.equals


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which logged prompts are wanted.

    The conditions are those of Bedrock's own `requestMetadataFilters` (`equals`, `notEquals`, `andAll`, `orAll`), which
    do not mix AND with OR either (Bedrock API reference, "RequestMetadataFilters").

    Args:
        conditions: On the call's metadata; none: every call is wanted.
        any_of: Whether one condition that holds is enough; else all must.
        model: Id of a model. It also stands for the inference profiles and ARNs that end in it. None: any.
    """

    conditions: tuple[Condition, ...] = ()
    any_of: bool = False
    model: str | None = None

    def accepts(self, prompt: LoggedPrompt) -> bool:
        """Return whether a prompt is wanted."""
        named = self.model is None or prompt.model == self.model
        if not named and not prompt.model.endswith((f".{self.model}", f"/{self.model}")):
            return False
        held = (condition.holds(prompt.metadata) for condition in self.conditions)
        return any(held) if self.any_of and self.conditions else all(held)


def check_stratify(by: str) -> str:
    """Return what strata are made by, unchanged.

    Raises:
        ValueError: When it is none of `STRATA`.
    """
    if by in ("model", "length", "system") or (by.startswith(_METADATA) and by != _METADATA):
        return by
    raise ValueError(f"stratify: got {by!r}, wanted {STRATA}")


def stratum(prompt: LoggedPrompt, by: str | None) -> str:
    """Return the stratum of a prompt. It holds no text of the prompt.

    Args:
        prompt: The prompt.
        by: What `check_stratify` returned: a key of the metadata; the model; the length, rounded up to a power of two
            characters; the system turn, by a digest. None: one stratum for all.
    """
    if by is None:
        return "all"
    if by == "model":
        return prompt.model
    if by == "length":
        characters = sum(len(turn.text()) for turn in prompt.typed_row().messages)
        return str(1 << max(0, characters - 1).bit_length())
    if by == "system":
        system = prompt.typed_row().system()
        return blake2b(system.encode(), digest_size=8).hexdigest() if system else _NO_VALUE
    return prompt.metadata.get(by.removeprefix(_METADATA), _NO_VALUE)


def prompt_key(prompt: LoggedPrompt) -> str:
    """Return a key that equal prompts share: the same turns but for case and spaces, whatever the system turn.

    It is what validation calls a `leak-prompt`, as a digest.
    """
    return blake2b(folded(prompt.typed_row().asked()).encode(), digest_size=16).hexdigest()
