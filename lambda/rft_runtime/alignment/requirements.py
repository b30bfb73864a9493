"""What each grader wants prompts to tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_contract.reward_spec import RewardSpec
from rft_runtime.alignment.call_form import CallForm
from rft_runtime.alignment.checked_instructions import CheckedInstructions
from rft_runtime.alignment.final_answer_form import final_answer_form, label_form
from rft_runtime.alignment.json_form import json_fields_requirements, json_schema_requirements
from rft_runtime.alignment.label_names import LabelNames
from rft_runtime.alignment.length_limit import length_limit
from rft_runtime.alignment.program_form import PYTHON, EntryPoint
from rft_runtime.alignment.quotation_form import grounded_requirements
from rft_runtime.alignment.required_form import format_requirements
from rft_runtime.alignment.requirement import Mentioned, Requirement
from rft_runtime.alignment.wording import asks_for_the_answer_alone, asks_to_reason_aloud, forms_asked_for

_SILENT: Mapping[str, str] = {
    "judge": "a rubric prescribes no form",
    "repetition": "any form may be free of repeats",
    "novelty": "any form may be new",
    "own": "it is the author's own code",
}
"""Grader -> why there is nothing that prompts must tell for it."""


@dataclass(frozen=True)
class Requirements:
    """What a reward wants prompts to tell.

    Args:
        listed: One by one, each once.
        silent: Graders of the reward that want nothing told -> why.
    """

    listed: Sequence[Requirement]
    silent: Mapping[str, str]


def requirements_of(spec: RewardSpec | None) -> Requirements:
    """Return what a reward wants prompts to tell; a composition what each of its parts wants.

    Args:
        spec: The reward; None when it is its author's own code.

    Raises:
        ValueError: One line, when a grader or an option is not what it can be.
    """
    named = [("own", {})] if spec is None else _parts(spec.grader, spec.options)
    parts = list({(grader, canonical(options)): (grader, options) for grader, options in named}.values())
    try:
        found = [one for grader, options in parts for one in _of_grader(grader, options)]
    except (TypeError, AttributeError) as error:
        raise ValueError(f"options: {error}") from None
    return Requirements(
        listed=tuple({id(one): one for one in found}.values()),  # what needs no options is one object for all parts
        silent={grader: _SILENT[grader] for grader, _ in parts if grader in _SILENT},
    )


def _parts(grader: str, options: JsonObject) -> list[tuple[str, JsonObject]]:
    """Return the graders that look at a completion's form, with their options.

    Raises:
        ValueError: When there is no such grader.
    """
    if grader not in GRADERS:
        raise ValueError(f"got the grader {grader!r}, wanted one of {', '.join(GRADERS)}")
    if grader == "compose":
        graders = options.get("graders")
        return [one for part in (graders.values() if isinstance(graders, dict) else ()) for one in _named(part)]
    if grader == "verified_judge":
        return [*_named(options.get("verify")), ("judge", {})]
    return [(grader, options)]


def _named(part: JsonValue) -> list[tuple[str, JsonObject]]:
    """Return the graders of a part."""
    grader, options = (part.get("grader"), part.get("options", {})) if isinstance(part, dict) else (None, None)
    if not isinstance(grader, str) or not isinstance(options, dict):
        raise ValueError("got a part without a grader, wanted a mapping of grader and options")
    return _parts(grader, options)


def _text_requirements(options: JsonObject) -> list[Requirement]:
    """Return what `text` wants: with `exact` the text alone; the other metrics at least no reasoning around it."""
    if options.get("metric") == "exact":
        return [Mentioned("to answer with the text alone", {"": asks_for_the_answer_alone}, _more_than_the_text)]
    return [Mentioned("to answer with little beside the text", rival=asks_to_reason_aloud)]


def _more_than_the_text(text: str) -> str | None:
    """Name what a text asks for beside the answer: reasoning, or a form around it."""
    forms = forms_asked_for(text)
    return asks_to_reason_aloud(text) or (forms[0].name if forms else None)


def _label_requirements(options: JsonObject) -> list[Requirement]:
    form = label_form(options)
    return [LabelNames(options), *([form] if form else [])]


_Table = Mapping[str, Callable[[JsonObject], Sequence[Requirement]]]
_WANTED: _Table = {
    "math": lambda options: [final_answer_form("math", options)],
    "numeric": lambda options: [final_answer_form("numeric", options)],
    "math_latex": lambda options: [final_answer_form("math_latex", options)],
    "label": _label_requirements,
    "json_fields": json_fields_requirements,
    "json_schema": json_schema_requirements,
    "tool_calls": lambda options: [CallForm(options)],
    "code": lambda options: [EntryPoint(), PYTHON],
    "text": _text_requirements,
    "constraints": lambda options: [CheckedInstructions(options)],
    "grounded": grounded_requirements,
    "format": format_requirements,
    "length": lambda options: [length_limit(options)],
}


def _of_grader(grader: str, options: JsonObject) -> Sequence[Requirement]:
    return _WANTED[grader](options) if grader in _WANTED else ()
