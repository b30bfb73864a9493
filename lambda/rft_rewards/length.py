"""The `length` grader: a soft limit on a completion's length, or a band."""

from rft_rewards.grade import Grade, Grader, Score
from rft_rewards.options import check_choice, check_flag, check_whole
from rft_rewards.sample import Sample
from rft_rewards.words import count_characters, count_words, has_words


def length(
    *,
    at_most: int | None = None,
    at_least: int | None = None,
    buffer: int,
    unit: str = "words",
    reasoning: bool = False,
) -> Grader:
    """Return a grader that pays fully within a band of lengths, and linearly less for what is outside.

    With n the length, the value is the smaller of

        min(1, max(0, (at_most + buffer - n) / buffer))
        min(1, max(0, (n - at_least + buffer) / buffer))

    The first is DAPO's soft overlong punishment (https://arxiv.org/abs/2503.14476, section 3.4), moved from [-1, 0] to
    [0, 1]: full up to `at_most`, falling over `buffer`, nothing from `at_most + buffer` on. The second mirrors it. A
    `buffer` of 0 makes hard limits.

    Refused, that is scored 0: a text without any word; a length outside the band by `buffer` or more. What the words
    are is not looked at, so combine it with `repetition` and with a grader of content.

    Args:
        at_most: Longest length that is paid fully, in `unit`. None: no upper limit.
        at_least: Shortest length that is paid fully, in `unit`. None: no lower limit.
        buffer: Over how many units the value falls from 1 to 0.
        unit: `words` (as `rft_rewards.words` counts them) or `characters` (a run of space counting as one).
        reasoning: Whether `<think>` blocks count too, as they do in DAPO.

    Returns:
        A grader that needs no reference.

    Raises:
        ValueError: When an option has the wrong form, both limits are missing, or the band is empty.
    """
    check_whole("at_most", at_most, least=1, null=True)
    check_whole("at_least", at_least, least=1, null=True)
    check_whole("buffer", buffer, least=0)
    check_choice("unit", unit, ("words", "characters"))
    check_flag("reasoning", reasoning)
    if at_most is None and at_least is None:
        raise ValueError("at_most: got no limit, wanted at_most or at_least or both")
    if at_most is not None and at_least is not None and at_least > at_most:
        raise ValueError(f"at_least: got {at_least!r}, wanted at most {at_most}")
    count = count_words if unit == "words" else count_characters

    def grade(sample: Sample) -> Grade:
        text = sample.turn if reasoning else sample.completion
        if not has_words(text):
            return Score(0.0, "no words", {"length": 0.0})
        counted = count(text)
        over = 0 if at_most is None else counted - at_most
        under = 0 if at_least is None else at_least - counted
        outside = max(over, under, 0)
        value = max(0.0, 1 - outside / buffer) if buffer else float(outside == 0)
        return Score(value, f"{counted} {unit}", {"length": float(counted)})

    return grade
