"""JSON, and the names that must stand in it."""

import re
from collections.abc import Callable, Iterable

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.alignment.prompt import Mention, Prompt
from rft_runtime.alignment.requirement import TOLD, Mentioned, Requirement, Telling
from rft_runtime.alignment.wording import Wording, unread_form, word

_OBJECT = re.compile(r"\{\s*\"[^\"\n]{1,60}\"\s*:")
_other_notation = Wording(
    "xml|yaml|csv|toml|html",
    r"\b(?:in|as|into|to|valid|output|return|write|produce|use|format)\W{1,3}(?:\w+\W{1,3}){0,2}?"
    r"(xml|yaml|csv|toml|html)\b",
)
_A_SCHEMA = re.compile(r'"properties"\s*:|"\$schema"')
_unread_form = unread_form(lambda form: form.is_json)


def _speaks_of_json(text: str) -> bool:
    """Whether a text names JSON, or has the beginning of an object."""
    return "json" in text.lower() or ("{" in text and _OBJECT.search(text) is not None)


def _not_json(text: str) -> str | None:
    """Name the notation or the form that a text asks for instead."""
    found = _other_notation(text)
    return found[1].upper() if found else _unread_form(text)


JSON = Mentioned("to answer in JSON", {"": _speaks_of_json}, _not_json)
"""What is wanted by graders that read JSON: that the prompt asks for it, in words or by an example."""


class FieldNames:
    """The names of the fields that count, each as a whole word and spelled as in the reference.

    Args:
        names_of: Returns the fields of a row, given its reference; empty when it has none.
        of_rows: Whether they differ from row to row.
        instead: A mention that tells all of them at once, such as a schema.
    """

    what = "the names of all fields"

    def __init__(
        self, names_of: Callable[[Prompt], Iterable[str]], *, of_rows: bool, instead: Mention | None = None
    ) -> None:
        self._names_of = names_of
        self._instead = instead
        self.names_fields_of_rows = of_rows

    def told_by(self, prompt: Prompt) -> Telling | None:
        """Return which fields a prompt leaves out."""
        names = self._names_of(prompt)
        missing = tuple(name for name in names if not prompt.mentions(word(name)))
        if not missing:
            return TOLD if names else None
        return TOLD if self._instead and prompt.mentions(self._instead) else Telling(missing)


def json_fields_requirements(options: JsonObject) -> list[Requirement]:
    """Return what `json_fields` wants to be told; without its option `fields`, all of each reference's."""
    fields = options.get("fields")
    names = [name for name in fields if isinstance(name, str)] if isinstance(fields, (list, dict)) else []
    if names:
        return [JSON, FieldNames(lambda prompt: names, of_rows=False)]
    return [JSON, FieldNames(_reference_fields, of_rows=True)]


def json_schema_requirements(options: JsonObject) -> list[Requirement]:
    """Return what `json_schema` wants to be told: the fields that the schema requires, or the schema itself."""
    schema = options.get("schema")
    if isinstance(schema, dict):
        names = _required(schema)
        return [JSON, FieldNames(lambda prompt: names, of_rows=False, instead=_A_SCHEMA.search)]
    return [JSON, FieldNames(_row_schema_fields, of_rows=True, instead=_A_SCHEMA.search)]


def _reference_fields(prompt: Prompt) -> Iterable[str]:
    reference = _decoded(prompt.reference)
    return reference.keys() if isinstance(reference, dict) else ()


def _row_schema_fields(prompt: Prompt) -> Iterable[str]:
    reference = _decoded(prompt.reference)
    return _required(reference.get("schema")) if isinstance(reference, dict) else ()


def _decoded(reference: JsonValue) -> JsonValue:
    """Return a reference that may be the JSON text of one."""
    if not isinstance(reference, str):
        return reference
    try:
        value: JsonValue = msgspec.json.decode(reference)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value


def _required(schema: JsonValue) -> list[str]:
    """Return what an object, or each object of an array, must have."""
    if not isinstance(schema, dict):
        return []
    required = schema.get("required")
    if isinstance(required, list):
        return [name for name in required if isinstance(name, str)]
    return _required(schema["items"]) if "items" in schema else []
