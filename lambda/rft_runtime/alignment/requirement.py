"""What a prompt must tell the model, so that a grader can read its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rft_runtime.alignment.prompt import Mention, Prompt, Rival


@dataclass(frozen=True, slots=True)
class Telling:
    """What a prompt tells of a requirement.

    Args:
        missing: What it leaves out: names, or an empty one where the requirement is a single thing.
        instead: The form that it asks for and that the grader does not read; empty when it asks for none.
    """

    missing: tuple[str, ...] = ()
    instead: str = ""


TOLD = Telling()
"""Everything."""


class Requirement(Protocol):
    """One thing that a grader wants prompts to tell."""

    @property
    def what(self) -> str:
        """What that is, as it goes on behind `tell the model`."""

    @property
    def names_fields_of_rows(self) -> bool:
        """Whether what is missing are names from the rows, which may be values of a map; rare ones are not shown."""

    def told_by(self, prompt: Prompt) -> Telling | None:
        """Return what a prompt tells; None when there is nothing to tell to this one."""


@dataclass(frozen=True, eq=False)
class Mentioned:
    """Items that every prompt must mention.

    Args:
        what: As in `Requirement`.
        items: Item -> whether a text mentions it; a single one needs no name. Empty: there is nothing to mention, only
            not to ask for a rival.
        rival: What else is asked for, looked at where no item is mentioned.
    """

    what: str
    items: Mapping[str, Mention] = field(default_factory=dict)
    rival: Rival = lambda text: None
    names_fields_of_rows: bool = False

    def told_by(self, prompt: Prompt) -> Telling:
        """Return what a prompt tells."""
        missing = tuple(item for item, mention in self.items.items() if not prompt.mentions(mention))
        if len(missing) == len(self.items) and (instead := prompt.asks(self.rival)):
            return Telling(missing, instead)
        return Telling(missing) if missing else TOLD
