"""Programs: the language, and the name of the function that is called."""

import re

from rft_runtime.alignment.prompt import Prompt
from rft_runtime.alignment.requirement import TOLD, Mentioned, Telling
from rft_runtime.alignment.wording import Wording, word

_python = Wording("python|```py|def |class ", r"python|```py|^[ \t]*(?:async )?def \w+\s*\(|^[ \t]*class \w+.*:\s*$")
_LANGUAGES = (
    "javascript|typescript|java|c++|cpp|c#|golang|rust|ruby|php|kotlin|swift|perl|scala|haskell|sql|bash|lua|julia"
)
_LANGUAGE = "|".join(map(re.escape, _LANGUAGES.split("|")))
_other_language = Wording(
    _LANGUAGES,
    rf"\b(?:in|using|an?)\s+({_LANGUAGE})(?=\s+(?:function|program|script|code|method|solution|query)|\s*[.,:;)\n]|\s*$)|"
    rf"```({_LANGUAGE})\b",
)


def _not_python(text: str) -> str | None:
    found = _other_language(text)
    return None if found is None else (found[1] or found[2]).lower()


PYTHON = Mentioned("to write Python", {"": _python}, _not_python)
"""What `code` wants to be told of the language: Python, by its name or by some of it."""


class EntryPoint:
    """The name of the function that cases and tests of `code` call."""

    what = "the name of the function that is called"
    names_fields_of_rows = False

    def told_by(self, prompt: Prompt) -> Telling | None:
        """Return whether a prompt says the name; None when the row has none."""
        reference = prompt.reference
        name = reference.get("entry_point") if isinstance(reference, dict) else None
        if not isinstance(name, str) or not name:
            return None
        return TOLD if prompt.mentions(word(name)) else Telling(("",))
