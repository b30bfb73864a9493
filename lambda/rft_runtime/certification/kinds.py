"""The kind of each built-in grader."""

from collections.abc import Mapping, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.certification.calls_kind import CallsKind
from rft_runtime.certification.composed_kind import ComposedKind
from rft_runtime.certification.fields_kind import FieldsKind
from rft_runtime.certification.kind import Kind
from rft_runtime.certification.label_kind import LabelKind
from rft_runtime.certification.latex_kind import LatexKind
from rft_runtime.certification.number_kind import NumberKind, NumericKind
from rft_runtime.certification.text_kind import TextKind
from rft_runtime.certification.unwritten_kind import CheckedKind, FormKind, JudgedKind, QuotedKind

OWN = "own"
"""Name of the kind of a reward that is its author's own code."""

_KINDS: Mapping[str, type[Kind]] = {
    "math": NumberKind,
    "math_latex": LatexKind,
    "numeric": NumericKind,
    "label": LabelKind,
    "json_fields": FieldsKind,
    "tool_calls": CallsKind,
    "text": TextKind,
    "code": CheckedKind,
    "json_schema": CheckedKind,
    "constraints": FormKind,
    "grounded": QuotedKind,
    "judge": JudgedKind,
}


def kind_of(grader: str, options: JsonObject) -> Kind:
    """Return what is known of a grader; of one that is not in the table, that its answers cannot be written.

    Args:
        grader: Its name.
        options: Its options.

    Raises:
        ValueError: When the options are not the grader's.
    """
    try:
        if grader == "compose":
            return _composed(options)
        if grader == "verified_judge":
            return _verified(options)
        return _KINDS.get(grader, Kind)(grader, options)
    except TypeError as error:
        raise ValueError(f"grader {grader}: {error}") from None


def _composed(options: JsonObject) -> Kind:
    """Return the kind of a composition: its content is the heaviest part whose answers can be written."""
    listed = options.get("graders")
    parts = [part for part in listed.values() if isinstance(part, dict)] if isinstance(listed, dict) else []
    kinds = [(_part_kind(part), part) for part in parts]
    written = [(_weight(part), kind) for kind, part in kinds if kind.can_write]
    content = max(written, key=lambda item: item[0])[1] if written else Kind(OWN, {})
    noisy = any(kind.noisy for kind, _ in kinds)
    return ComposedKind("compose", options, content=content, parts=_named(parts), noisy=noisy)


def _verified(options: JsonObject) -> Kind:
    """Return the kind of a judge behind a gate: its content is what opens the gate."""
    verify = options.get("verify")
    part = verify if isinstance(verify, dict) else {}
    return ComposedKind("verified_judge", options, content=_part_kind(part), parts=_named([part]), noisy=True)


def _part_kind(part: JsonObject) -> Kind:
    ((grader, options),) = _named([part])
    return kind_of(grader, options)


def _named(parts: Sequence[JsonObject]) -> list[tuple[str, JsonObject]]:
    """Return grader and options of each part."""
    found: list[tuple[str, JsonObject]] = []
    for part in parts:
        options = part.get("options")
        found.append((str(part.get("grader", OWN)), options if isinstance(options, dict) else {}))
    return found


def _weight(part: JsonObject) -> float:
    """Return what a part counts: without a weight 1, and a gate alone least."""
    weight: JsonValue = part.get("weight", 0 if "gate" in part else 1)
    return float(weight) if isinstance(weight, (int, float)) else 0.0
