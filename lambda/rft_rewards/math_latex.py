r"""The `math_latex` grader: final answers that are expressions, compared as mathematics by math-verify."""

import functools
import re
from collections.abc import Callable
from fractions import Fraction

from rft_contract.json_value import JsonValue
from rft_rewards.final_answer import UnreadableAnswer, check_marker, marker_kinds, reference_value
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.latex_equality import HelperLost, LatexEquality, Verdict
from rft_rewards.notation import ENGLISH, number_pattern, plain_text
from rft_rewards.quantity import Quantity, UnreadableNumber, read_quantity
from rft_rewards.sample import Sample

_MOST_PASSAGES = 4
_LONGEST = 200
_DEEPEST = 20

_LEAD = re.compile(r"(?:[\s:*_~`]|(?:the|final|answer|is|are|therefore|thus|so|then|that|be)\b)*", re.IGNORECASE)
_MATH = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)(.+?)(?<!\s)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_NEXT_MATH = re.compile(r"\s*(?:,|,?\s*\b(?:and|or)\b)\s*")
_SENTENCE_END = re.compile(r"[.;?](?:\s|$)|\n|\*\*")
_LISTED = re.compile(r"\\(?:text|mathrm|mbox)\s*\{\s*,?\s*(?:and|or)\s*\}|,?\s+(?:and|or)\s+")
_DROPPED = re.compile(r"\\[$%]|[%$]|\\[!,;:]|\\(?:left|right|displaystyle|boldsymbol|mathbf)(?![a-zA-Z])")
_DECIMAL = re.compile(r"(?<![\d.])\d*\.\d+(?![\d.])")
_NO_WORD = re.compile(r"\\(?:text|mathrm|mbox|begin|end)\s*\{[^{}]*\}|\\[a-zA-Z]+")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_FUNCTIONS = frozenset(("sin", "cos", "tan", "cot", "sec", "csc", "log", "exp", "arcsin", "arccos", "arctan"))
_UNEVALUATED = re.compile(
    r"""\\(?: i*int | oint | sum | prod | lim | [dt]?binom | choose | gcd | lcm | [bp]?mod | det | max | min | lfloor
          | lceil ) (?![a-zA-Z]) | \\begin\{vmatrix\} | ! | \\[dt]?frac\s*\{\s*(?:d|\\mathrm\{d\}|\\partial)\b""",
    re.VERBOSE,
)
_BASE = re.compile(r"\d\s*_\s*\{?\s*(\d+)")
_VARIABLE = re.compile(r"\s*(?:\\?[a-zA-Z]\w{0,15}\s*=\s*)?")
_UNIT_TAIL = re.compile(r"\s*(?:[%°$]|\^?\s*\\circ|\s[^\W\d_]{2,20}[²³]?(?:\s[^\W\d_]{1,20})?)?[\s.]*")


def math_latex(*, marker: str | None = None, seconds: float = 2.0) -> Grader:
    r"""Return a grader that compares a completion's final expression with the reference's, as mathematics.

    The answer is found as in `rft_rewards.final_answer`, without looking at the reference, and every passage that the
    deciding kind of marker holds must be right. `\frac{\sqrt 2}{2}` and `\frac{1}{\sqrt 2}` are equal, as are
    `(x+1)^2` and `x^2+2x+1`, `x=5` and `5`, `\{1,2\}` and `2, 1`, `1 \le x < 2` and `[1,2)`. Decimals are exact
    fractions: 3.14 is not `\pi`. A reference that is a plain number is compared as in `math`, without algebra.

    Refused, that is scored 0: no marked answer, or one in words; more than four different passages, one of more than
    200 characters or nested more than 20 deep; a percentage or unit that is converted; when the reference is a plain
    number, an answer that is not (`17 \cdot 23` for 391, `\sqrt 4` for 2); an integral, sum, product, limit,
    derivative, binomial, factorial, determinant, modulus, maximum or rounding that the reference does not have, since
    stating the task is not solving it; a comparison that takes too long or too much memory (`9^{9^{9^9}}`); what
    math-verify cannot read.

    Not seen: whether an expression is simplified. `\sqrt{12}` is right for `2\sqrt 3`; where the task is to simplify,
    add a `format` grader. Sides of an equation may be moved.

    Args:
        marker: The text that the prompt asks for before the answer, such as `ANSWER:`; the strongest marker of all.
        seconds: Processor time for one comparison, above 0 to 60. A comparison takes milliseconds; only hostile or
            pathological input comes near the limit.

    Returns:
        A grader for references that are LaTeX (with or without `$`), a number, a solution with a marked answer, or an
        object with such a value under `final_answer`, `answer` or `text`. Anything else, and a reference that
        math-verify cannot read, is invalid. The first grade starts a helper process, which takes about a second.

    Raises:
        ValueError: When an option has another value.
    """
    check_marker(marker)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= 60:
        raise ValueError(f"seconds: got {seconds!r}, wanted a number above 0 to 60")
    equality = LatexEquality(seconds=float(seconds))
    compare = functools.lru_cache(maxsize=4096)(equality.ask)  # the rollouts of a prompt share many answers
    is_readable = functools.lru_cache(maxsize=1024)(functools.partial(_equals_itself, compare))

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        gold = _reference_expression(sample.reference, marker)
        try:
            if gold is None or not (_plain_number(gold) or is_readable(gold)):
                return Invalid("reference-not-an-expression")
            answers = _marked_expressions(sample.completion, marker)
            faults = [fault for answer in answers if (fault := _fault(answer, gold, compare))]
        except UnreadableAnswer as error:
            return Score(0.0, f"unreadable answer: {error}", {"answered": 0.0})
        except HelperLost:
            return Invalid("helper-lost", transient=True)
        if not answers:
            return Score(0.0, "no final answer", {"answered": 0.0})
        if faults:
            return Score(0.0, faults[0], {"answered": 1.0})
        return Score(1.0, "the reference's expression", {"answered": 1.0})

    return grade


_Comparison = Callable[[str, str], Verdict]


def _equals_itself(compare: _Comparison, gold: str) -> bool:
    """Whether a reference can be read and compared at all."""
    return compare(_prepared(gold), _prepared(gold)) is Verdict.EQUAL


def _fault(answer: str, gold: str, compare: _Comparison) -> str | None:
    """Return what is wrong with an answer, or None when it is right."""
    number = _plain_number(gold)
    if number is not None:
        stated = _plain_number(answer)
        if stated is None:
            return "not a plain number, as the reference is"
        return None if stated.matches(number) else "another value or unit"
    if not set(_operators(answer)) <= set(_operators(gold)):
        return "an operation that is not carried out"
    if _BASE.findall(answer) != _BASE.findall(gold):
        return "another base"
    verdict = compare(_prepared(gold), _prepared(answer))
    if verdict is Verdict.EQUAL:
        return None
    return {
        Verdict.UNREADABLE_ANSWER: "unreadable answer: not an expression",
        Verdict.KILLED: "the comparison takes too long or too much memory",
    }.get(verdict, "another expression")


def _operators(latex: str) -> list[str]:
    """Return the operations that must not be left to the grader."""
    return [re.sub(r"\s", "", operator) for operator in _UNEVALUATED.findall(latex)]


def _prepared(latex: str) -> str:
    """Return an expression as math-verify shall read it: percent signs and units of money off, decimals exact."""
    latex = _DROPPED.sub("", latex)
    latex = _DECIMAL.sub(lambda match: _fraction(Fraction(match[0])), latex)
    return re.sub(r"\s+", " ", latex).strip(" .,")


def _fraction(value: Fraction) -> str:
    """Write a fraction in LaTeX."""
    return str(value) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _plain_number(latex: str) -> Quantity | None:
    """Return the quantity that an expression is when it is nothing but a number, perhaps with a unit or `x =`."""
    plain = plain_text(latex, ENGLISH).strip()
    variable = _VARIABLE.match(plain)
    start = variable.end() if variable else 0
    number = number_pattern("english").match(plain, start)
    if number is None or not _UNIT_TAIL.fullmatch(plain, number.end()):
        return None
    try:
        return read_quantity(plain[start:])
    except UnreadableNumber:
        return None


def _reference_expression(reference: JsonValue, marker: str | None) -> str | None:
    """Return the reference's expression, or None when it has none."""
    value = reference_value(reference)
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    try:
        marked = _marked_expressions(text, marker)
        return (marked[0] if len(marked) == 1 else None) if marked else _expression(text)
    except UnreadableAnswer:
        return None


def _marked_expressions(text: str, marker: str | None) -> list[str]:
    """Return the different expressions that the deciding kind of marker holds; empty when nothing marks one.

    Raises:
        UnreadableAnswer: When they are too many, too long or nested too deep, or the marker holds none.
    """
    for kind in marker_kinds(marker):
        if kind.only_sentence:
            continue
        found: dict[str, None] = {}
        count = 0
        for passage in kind.passages(text):
            count += 1
            expression = _expression(passage)
            if expression is not None:
                found[expression] = None
            if len(found) > _MOST_PASSAGES or count > 1000:
                raise UnreadableAnswer("too many different passages")
        if found:
            return list(found)
        if count and kind.decides:
            raise UnreadableAnswer("no expression after the marker")
    return []


def _expression(passage: str) -> str | None:
    """Return the expression at the head of a passage, or None when there are words instead.

    Raises:
        UnreadableAnswer: When it is too long or nested too deep.
    """
    lead = _LEAD.match(passage)
    rest = passage[lead.end() if lead else 0 :]
    maths: list[str] = []
    position = 0
    while math := _MATH.match(rest, position):
        maths.append(next(filter(None, math.groups())))
        joint = _NEXT_MATH.match(rest, math.end())
        position = joint.end() if joint else math.end()
    latex = ", ".join(maths) if maths else _SENTENCE_END.split(rest, maxsplit=1)[0]
    latex = _LISTED.sub(", ", latex).lstrip(" \n*_`,:").rstrip(" \n*_`.,:")
    if not latex or _is_prose(latex):
        return None
    if len(latex) > _LONGEST or _depth(latex) > _DEEPEST:
        raise UnreadableAnswer("too long or nested too deep")
    return latex


def _is_prose(latex: str) -> bool:
    """Whether there are words outside TeX commands and their texts."""
    return any(word not in _FUNCTIONS for word in _LONG_WORD.findall(_NO_WORD.sub(" ", latex)))


def _depth(latex: str) -> int:
    """Return how deep brackets are nested."""
    depth = deepest = 0
    for character in latex:
        depth += (character in "{([") - (character in "})]")
        deepest = max(deepest, depth)
    return deepest
