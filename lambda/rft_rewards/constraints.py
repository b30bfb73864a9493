"""The `constraints` grader: instructions that a program can verify."""

from collections.abc import Sequence

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.instruction import Instruction, Reading, read_instruction
from rft_rewards.options import check_flag
from rft_rewards.sample import Sample

_MOST = 32


def constraints(*, constraints: Sequence[JsonValue] | None = None, partial: bool = True) -> Grader:
    """Return a grader that counts which verifiable instructions a completion follows.

    Instructions are mappings such as `{"kind": "words", "at_most": 100}`; `rft_rewards.instruction` lists the kinds:
    how many words, sentences, paragraphs or bullet points, which keywords and how often, letter case, sections, JSON,
    beginning and end, placeholders, language. The idea is that of Zhou et al. 2023 (https://arxiv.org/abs/2311.07911).

    Refused, that is scored 0: a blank completion, even where nothing is demanded of it; with `partial` each broken
    instruction costs its share, without it one is enough. Nothing says that the text makes sense: a list of the
    keywords contains them, and five words of anything are five words. Combine it with a grader of content.

    Args:
        constraints: Instructions for every row, at most 32. A row's own, if it has any, come on top. None: each row has
            its own.
        partial: Whether the value is the share of instructions that hold; else 1 only when all do.

    Returns:
        A grader for references that are `{"constraints": [...]}` with at most 32 instructions. Where the option is
        given, rows may have another reference or none. An instruction that is unknown or malformed is invalid, and so
        is a row without any.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_flag("partial", partial)
    common = [] if constraints is None else _read_option(constraints)

    def grade(sample: Sample) -> Grade:
        try:
            instructions = common + _own(sample.reference)
        except (ValueError, RecursionError):
            return Invalid("reference-constraint-illegal")
        if not instructions:
            return Invalid("reference-missing" if sample.reference is None else "reference-without-constraints")
        if not sample.completion.strip():
            return Score(0.0, "blank", {"fulfilled": 0.0})
        reading = Reading(sample.completion)
        held = [(one.kind, one.holds(reading)) for one in instructions]
        share = sum(holds for _, holds in held) / len(held)
        value = share if partial else float(share == 1)
        broken = ", ".join(dict.fromkeys(kind for kind, holds in held if not holds))
        return Score(value, f"broken: {broken}" if broken else "all hold", {"fulfilled": share} | _by_kind(held))

    return grade


def _read_option(constraints: Sequence[JsonValue]) -> list[Instruction]:
    """Return the instructions for every row."""
    if not isinstance(constraints, (list, tuple)) or not 1 <= len(constraints) <= _MOST:
        raise ValueError(f"constraints: got {constraints!r:.200}, wanted a list of 1 to {_MOST}, or null")
    try:
        return [read_instruction(value) for value in constraints]
    except ValueError as error:
        raise ValueError(f"constraints: {error}") from None


def _own(reference: JsonValue) -> list[Instruction]:
    """Return a row's own instructions.

    Raises:
        ValueError: When they are malformed.
    """
    if not isinstance(reference, dict) or "constraints" not in reference:
        return []
    own = reference["constraints"]
    if not isinstance(own, list) or len(own) > _MOST:
        raise ValueError("constraints: wanted a list")
    return [read_instruction(value) for value in own]


def _by_kind(held: Sequence[tuple[str, bool]]) -> dict[str, float]:
    """Return the share of each kind's instructions that hold."""
    kinds = dict.fromkeys(kind for kind, _ in held)
    rows = {kind: [holds for other, holds in held if other == kind] for kind in kinds}
    return {kind: sum(row) / len(row) for kind, row in rows.items()}
