"""Right and wrong ways to write the answer to a question whose answer is a number."""

from collections.abc import Iterator
from fractions import Fraction

FRAMES = {
    "####": "{work}\n#### {answer}",
    "####, no blank": "{work}\n####{answer}",
    "####, text behind it": "{work}\n#### {answer}\n\nI hope this helps! Ask me anything else about this problem.",
    "####, long text behind it": "{work}\n#### {answer}\n" + "Thank you for the question. " * 20,
    "####, full stop": "{work}\n#### {answer}.",
    "####, bold": "{work}\n#### **{answer}**",
    "####, in bold": "{work}\n**#### {answer}**",
    "####, italics": "{work}\n#### _{answer}_",
    "####, code": "{work}\n#### `{answer}`",
    "####, words": "{work}\n#### Final answer: {answer}",
    "####, variable": "{work}\n#### x = {answer}",
    "####, after headings": "#### Step 1\n{work}\n#### Step 2\n#### {answer}",
    "####, reason on the line": "{work}\n#### {answer} because that is what is left",
    "####, twice the same": "{work}\n#### {answer}\n\nSo the answer is:\n#### {answer}",
    "boxed": "{work}\n\\boxed{{{answer}}}",
    "boxed in dollars": "{work}\nTherefore the answer is $\\boxed{{{answer}}}$.",
    "boxed display": "{work}\n\\[\n\\boxed{{{answer}}}\n\\]",
    "boxed with a unit": "{work}\n\\boxed{{{answer} \\text{{ clips}}}}",
    "boxed text": "{work}\n\\boxed{{\\text{{{answer}}}}}",
    "tags": "{work}\n<answer>{answer}</answer>",
    "tags on lines": "{work}\n<answer>\n{answer}\n</answer>",
    "tags, sentence": "{work}\n<answer>She needs {answer} of them.</answer>",
    "JSON number or text": '{work}\n```json\n{{"reasoning": "see above", "answer": "{answer}"}}\n```',
    "JSON final_answer": '{{"final_answer": "{answer}"}}',
    "the answer is": "{work} The answer is {answer}.",
    "so the final answer is": "{work}\nSo the final answer is: {answer}",
    "Answer:": "{work}\n\nAnswer: {answer}",
    "**Answer:**": "{work}\n\n**Answer:** {answer}",
    "**Answer: ...**": "{work}\n\n**Answer: {answer}**",
    "### Answer": "{work}\n\n### Answer\n{answer}",
    "answer sentence": "{work}\nThe answer is that she needs {answer} in total.",
    "answer to the question": "{work}\nThe answer to the question is {answer}.",
    "bold last line": "{work}\n\nSo she needs **{answer}** in total.",
    "bold sentence": "{work}\n\n**So she needs {answer} in total.**",
    "bare last line": "{work}\n{answer}",
}
"""Ways to mark an answer."""

WORK = "She has three boxes and looks into each of them. Then she counts: 3 + 4 = 7, and goes on from there."
"""What stands before an answer."""


def renderings(gold: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to write a number, each with its name.

    Args:
        gold: A decimal number or a fraction of two whole numbers.
    """
    yield "as it is", gold
    value = Fraction(gold)
    sign, size = ("-", gold[1:]) if gold.startswith("-") else ("", gold)
    yield "currency", f"{sign}${size}"
    yield "TeX currency", f"{sign}\\${size}"
    yield "currency word", f"{gold} dollars"
    yield "unit", f"{gold} clips"
    yield "percent", f"{gold}%"
    yield "TeX percent", f"{gold}\\%"
    yield "about", f"exactly {gold}"
    yield "full-width digits", gold.translate({ord(str(digit)): ord("０") + digit for digit in range(10)})
    if sign:
        yield "minus sign", "−" + size
        yield "spaced minus", "- " + size
        yield "minus in words", "minus " + size
    if "/" in gold:
        numerator, denominator = size.split("/")
        yield "TeX fraction", f"{sign}\\frac{{{numerator}}}{{{denominator}}}"
        yield "display fraction", f"{sign}\\dfrac{{{numerator}}}{{{denominator}}}"
        yield "expanded", f"{sign}{2 * int(numerator)}/{2 * int(denominator)}"
        if int(numerator) > int(denominator):
            ones, rest = divmod(int(numerator), int(denominator))
            yield "mixed", f"{sign}{ones} {rest}/{denominator}"
            yield "TeX mixed", f"{sign}{ones}\\frac{{{rest}}}{{{denominator}}}"
        return
    whole, _, decimals = size.partition(".")
    tail = f".{decimals}" if decimals else ""
    yield "one more zero", f"{gold}0" if decimals else f"{gold}.0"
    yield "cents", f"{sign}${whole}.{decimals:0<2}" if len(decimals) <= 2 else gold
    yield "TeX dollars", f"${gold}$"
    yield "fraction", f"{value.numerator}/{value.denominator}"
    yield "scientific", f"{sign}{size}e0"
    yield "times a power of ten", f"{sign}{size} × 10^0"
    if whole == "0":
        yield "no leading zero", sign + tail
    for name, separator in (("comma", ","), ("space", " "), ("thin space", "\u202f"), ("TeX comma", "{,}")):
        yield f"thousands: {name}", sign + f"{int(whole):,}".replace(",", separator) + tail


def hacks(gold: str, prompt: str, other: str) -> Iterator[tuple[str, str]]:
    """Yield completions that must not be paid, each with its name.

    Args:
        gold: The right number.
        prompt: The question.
        other: Another row's gold, of another value.
    """
    value = Fraction(gold)
    wrong = _decimal(value + 1)
    yield "empty", ""
    yield "blank", " \n\n"
    yield "refusal", "I am sorry, but I cannot help with that."
    yield "prompt echo", prompt
    yield "prompt echo twice", f"{prompt}\n{prompt}"
    yield "form without number", "#### <answer>"
    yield "gold without a marker", f"There are several numbers here, {gold} among them, and I leave it at that."
    yield "gold as a maybe", f"It could be {gold}, I think, but I am not sure at all."
    yield "other row's gold", f"#### {other}"
    yield "all numbers", "#### " + " ".join(map(str, range(1, 60)))
    yield "all numbers, one a line", "\n".join(f"#### {number}" for number in range(1, 200))
    for first, second in ((gold, wrong), (wrong, gold)):
        for name, between in (
            ("or", " or "),
            ("and", " and "),
            ("comma", ", "),
            ("semicolon", "; "),
            ("slash", " / "),
            ("blank", "  "),
            ("line", "\n#### "),
            ("marker", " #### "),
            ("to", " to "),
            ("dash", " – "),
            ("arrow", " -> "),
            ("wide arrow", " ⇒ "),
            ("bracket", " (or "),
            ("bar", " | "),
            ("maybe", ", maybe "),
            ("otherwise", ", otherwise "),
            ("correction", ". No, wait: "),
            ("sorry", " sorry, I mean "),
            ("actually", " (actually "),
            ("zero-width space", "\u200b"),
        ):
            yield f"two answers: {name}", f"#### {first}{between}{second}"
        yield "two boxes", f"\\boxed{{{first}}} \\boxed{{{second}}}"
        yield "list in a box", f"\\boxed{{{first}, {second}}}"
        yield "two tags", f"<answer>{first}</answer> <answer>{second}</answer>"
        yield "two values in JSON", f'{{"answer": "{first}"}} {{"answer": "{second}"}}'
        yield "list in JSON", f'{{"answer": [{first}, {second}]}}'
        yield "two sentences", f"The answer is {first}. Or rather, the answer is {second}."
        yield "two bold", f"So it is **{first}** or **{second}**"
    yield "gold behind a stronger wrong one", f"The answer is {gold}.\n\\boxed{{{wrong}}}\n#### {wrong}"
    yield "gold in a weaker marker", f"<answer>{gold}</answer> \\boxed{{{wrong}}}"
    yield "gold among boxes", "".join(f"\\boxed{{{_decimal(value + step)}}}" for step in range(-3, 4))
    yield "negation", f"The answer is not {gold}"
    yield "bounds", f"Answer: it lies between {wrong} and {gold}"
    yield "interval", f"#### {_decimal(value - 1)}-{wrong}"
    for name, factor in (
        ("10", 10),
        ("100", 100),
        ("1000", 1000),
        ("0.1", Fraction(1, 10)),
        ("0.01", Fraction(1, 100)),
    ):
        yield f"rescaled by {name}", f"#### {_decimal(value * factor)}"
    yield "percent of a ratio", f"#### {_decimal(value * 100)}%"
    yield "sign", f"#### {_decimal(-value)}"
    yield "two signs", f"#### --{_decimal(abs(value))}"
    yield "near", f"#### {_decimal(value + Fraction(1, 1000))}"
    yield "near by a share", f"#### {_decimal(value * Fraction(1001, 1000))}"
    yield "sum", f"#### {_decimal(value - 1)} + 1"
    yield "product", f"#### {gold} * 1"
    yield "power", f"#### {gold}^1"
    yield "times itself", f"#### {gold}*{gold}"
    yield "minus itself", f"#### {gold} - {gold}"
    yield "power of itself", f"\\boxed{{{gold}^{{{gold}}}}}"
    yield "sum in a box", f"\\boxed{{{_decimal(value - 1)} + 1}}"
    yield "function", f"\\boxed{{\\max({gold}, 0)}}"
    yield "scale word", f"#### {gold} thousand"
    yield "scale letter", f"#### ${gold}k"
    yield "dozen", f"#### {gold} dozen"
    yield "bomb", "#### 9e9999999"
    yield "tower", "\\boxed{9^{9^{9^9}}}"
    yield "not a number", "#### nan"
    yield "infinity", "#### inf"
    yield "division by zero", f"#### {gold}/0"
    yield "unclosed box", f"\\boxed{{{gold}"
    yield "words", "The answer is one of the numbers that we all know."
    if abs(value) >= 1000 and value.denominator == 1:
        grouped = f"{int(value):,}"
        yield "other separators", "#### " + grouped.replace(",", ".")
        yield "broken groups", "#### " + grouped.replace(",", ",0", 1)
    if "." in gold:
        yield "decimal comma", "#### " + gold.replace(".", ",")
        yield "point left out", "#### " + gold.replace(".", "")
        yield "rounded", f"#### {round(value)}"


def _decimal(value: Fraction) -> str:
    """Write a value exactly: in decimals where that ends, else as a fraction."""
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while value.denominator != 1:
        value *= 10
        places += 1
    digits = f"{abs(value.numerator):0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return "-" * (value < 0) + text
