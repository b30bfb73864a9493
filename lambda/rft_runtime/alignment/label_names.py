"""The labels of a closed set, named in a prompt."""

from functools import lru_cache

from rft_contract.json_value import JsonObject
from rft_rewards.label_set import LabelSet
from rft_runtime.alignment.prompt import Prompt
from rft_runtime.alignment.requirement import TOLD, Telling


class LabelNames:
    """Every label of `label`, and its word for none, named as the grader knows a label again.

    Args:
        options: The grader's options.

    Raises:
        ValueError: When they hold no labels.
    """

    what = "every label"
    names_fields_of_rows = False

    def __init__(self, options: JsonObject) -> None:
        listed, none = options.get("labels"), options.get("none")
        labels = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
        names = [*labels, none] if isinstance(none, str) else labels
        self._known = LabelSet(names, case_sensitive=options.get("case_sensitive") is True)
        self._spelled = {self._known.spell(name): name for name in names}
        self._named_by_system = lru_cache(maxsize=256)(self._known.named_in)

    def told_by(self, prompt: Prompt) -> Telling:
        """Return which labels a prompt leaves out."""
        missing = self._spelled.keys() - self._named_by_system(prompt.system)
        if missing:
            rest = f"{prompt.user}\n{prompt.shown}"
            if any(self._may_name(label, rest) for label in missing):
                missing -= self._known.named_in(rest)
        return (
            Telling(tuple(name for spelled, name in self._spelled.items() if spelled in missing)) if missing else TOLD
        )

    def _may_name(self, spelled: str, text: str) -> bool:
        """Whether a text can name a label: spelling a whole text takes longer than to see that it cannot."""
        return not text.isascii() or spelled.split(maxsplit=1)[0].casefold() in text.lower()
