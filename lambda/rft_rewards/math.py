"""The `math` grader: numeric final answers, as in GSM8K."""

from rft_rewards.final_answer import UnreadableAnswer, check_marker, read_final_answer, reference_reader
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.notation import Notation
from rft_rewards.sample import Sample


def math(
    *, marker: str | None = None, separators: str = "english", accounting: bool = False, scale_words: bool = False
) -> Grader:
    """Return a grader that compares a completion's final number with the reference's, exactly.

    The number is read by `rft_rewards.final_answer` without looking at the reference, and compared as a fraction:
    `990`, `$990.00`, `990 dollars`, `9.9e2` and `1980/2` are equal, `0.333` and `1/3` are not.

    Refused, that is scored 0: no marked answer; two different values behind the deciding kind of marker (`5 or 10`),
    also when the second corrects the first (`5, no wait, 10`); a value that is only near (`numeric` has tolerances); a
    rescaled one (980 or 98 % for 9.8, 0.5 for 50 %); unevaluated expressions (`3*4`, `3 times 4`); bounds and ranges
    (`> 5`, `5-7`); another notation's separators (`1,5` and `1.234` for 1234 in English); scale words unless asked for
    (`5 million`, `5k`); number words (`five`); amounts in two units (`5 h 30 min`); a known unit other than the gold's;
    division by zero; exponents beyond 100. Units are never converted, and ignored when the reference has none.

    Args:
        marker: The text that the prompt asks for before the answer, such as `ANSWER:`; the strongest marker of all.
        separators: How numbers are written, in completions and in textual references alike: `english` (`1,234.5`),
            `continental` (`1.234,5`), `swiss` (`1'234.5`), `indian` (`12,34,567.5`) or `none`.
        accounting: Whether `(5)` means -5.
        scale_words: Whether `5 million` states 5,000,000. `m` is then a million, never metres.

    Returns:
        A grader for references that are a number, a text with one (a bare number, or a solution ending `#### 72`), or
        an object with such a value under `final_answer`, `answer` or `text`. Anything else is invalid.

    Raises:
        ValueError: When an option has another value.
    """
    check_marker(marker)
    notation = Notation(separators=separators, accounting=accounting, scale_words=scale_words)
    read_reference = reference_reader(marker=marker, notation=notation)

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        gold = read_reference(sample.reference)
        if gold is None:
            return Invalid("reference-not-a-number")
        try:
            answer = read_final_answer(sample.completion, marker=marker, notation=notation)
        except UnreadableAnswer as error:
            return Score(0.0, f"unreadable answer: {error}", {"answered": 0.0})
        if answer is None:
            return Score(0.0, "no final answer", {"answered": 0.0})
        if answer.matches(gold):
            return Score(1.0, "the reference's value", {"answered": 1.0})
        return Score(0.0, "another value or unit", {"answered": 1.0})

    return grade
