"""The `format` grader: whether a completion has the form that the prompt asked for."""

import re
from collections.abc import Callable, Sequence

from rft_rewards.grade import Grade, Grader, Score
from rft_rewards.options import check_flag, check_texts
from rft_rewards.sample import Sample
from rft_rewards.sections import has_sections, heading_name
from rft_rewards.words import has_words

_MOST = 16
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def format(
    *,
    required: Sequence[str] = (),
    forbidden: Sequence[str] = (),
    sections: Sequence[str] = (),
    blocks: Sequence[str] = (),
    outside: bool = False,
    partial: bool = False,
) -> Grader:
    r"""Return a grader that checks form alone, never content.

    Patterns are RE2's (see `rft_rewards.pattern`): they are searched anywhere in linear time, so no completion can make
    the grader hang. `(?m)^ANSWER: \d+$` wants such a line; forbidding `(?s)ANSWER:.*ANSWER:` wants it once.

    Refused, that is scored 0 (with `partial`: each costs its share): a required pattern that is not there, a forbidden
    one that is; sections that are missing, empty, twice or out of order; blocks that are missing, empty, twice, nested,
    unclosed or out of order, and any text outside them. A blank completion is scored 0 in any case. Form is easily
    learnt and says nothing about truth: put it before content as a gate of `compose`.

    Args:
        required: Patterns that the completion must have.
        forbidden: Patterns that it must not have.
        sections: Headings that it must have, in this order (see `rft_rewards.sections`).
        blocks: Names of tags, such as `think` and `answer`: the generated turn, reasoning included, must be
            `<think>...</think><answer>...</answer>`, each once, in this order, each with a word inside. Upper and lower
            case are alike, and attributes are not known.
        outside: Whether text may stand before, between and after the blocks.
        partial: Whether the value is the share of all patterns, sections (as one) and blocks (as one) that are right;
            else only a completion with all of them scores 1.

    Returns:
        A grader that needs no reference.

    Raises:
        ValueError: When an option has the wrong form, a pattern is none of RE2, or there is nothing to check.
    """
    for name, texts in (("required", required), ("forbidden", forbidden), ("sections", sections), ("blocks", blocks)):
        check_texts(name, texts, most=_MOST)
    check_flag("outside", outside)
    check_flag("partial", partial)
    if len(set(map(heading_name, sections))) < len(sections) or not all(map(heading_name, sections)):
        raise ValueError(f"sections: got {sections!r}, wanted headings that differ by more than decoration")
    if not all(map(_TAG_NAME.fullmatch, blocks)) or len(set(map(str.lower, blocks))) < len(blocks):
        raise ValueError(f"blocks: got {blocks!r}, wanted different tag names")
    wanted = _compiled("required", required)
    unwanted = _compiled("forbidden", forbidden)
    has_blocks = _blocks(blocks, outside)
    if not (required or forbidden or sections or blocks):
        raise ValueError("required: got nothing to check, wanted required, forbidden, sections or blocks")

    def grade(sample: Sample) -> Grade:
        text = sample.completion
        if not text.strip():
            return Score(0.0, "blank")
        checks = {
            "required": [matches(text) for matches in wanted],
            "forbidden": [not matches(text) for matches in unwanted],
            "sections": [has_sections(text, sections)] if sections else [],
            "blocks": [has_blocks(sample.turn)] if blocks else [],
        }
        right = [check for part in checks.values() for check in part]
        components = {name: sum(part) / len(part) for name, part in checks.items() if part}
        value = sum(right) / len(right) if partial else float(all(right))
        failed = ", ".join(name for name, share in components.items() if share < 1)
        return Score(value, f"not as asked: {failed}" if failed else "as asked", components)

    return grade


def _compiled(name: str, patterns: Sequence[str]) -> list[Callable[[str], bool]]:
    """Return the searches for some patterns; a reward without patterns does not load RE2."""
    if not patterns:
        return []
    from rft_rewards.pattern import compile_pattern

    return [compile_pattern(name, pattern) for pattern in patterns]


def _blocks(names: Sequence[str], outside: bool) -> Callable[[str], bool]:
    """Return a function that tells whether a text is made of the named blocks."""
    tag = re.compile(rf"<(/?)({'|'.join(map(re.escape, names))})>", re.IGNORECASE)
    row = [(slash, name.lower()) for name in names for slash in ("", "/")]

    def has_blocks(text: str) -> bool:
        pieces = tag.split(text)  # text, then slash, name and text for each tag
        if list(zip(pieces[1::3], map(str.lower, pieces[2::3]), strict=True)) != row:
            return False
        texts = pieces[0::3]
        return all(map(has_words, texts[1::2])) and (outside or not any(map(str.strip, texts[0::2])))

    return has_blocks
