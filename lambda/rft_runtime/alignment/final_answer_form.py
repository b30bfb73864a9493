r"""Final answers, marked in a text: `#### 72`, `\boxed{72}`, an author's own marker."""

from functools import lru_cache

from rft_contract.json_value import JsonObject
from rft_runtime.alignment.requirement import Mentioned, Requirement
from rft_runtime.alignment.wording import Wording, asks_to_reason_aloud, forms_asked_for, literal, unread_form
from rft_runtime.certification.asked_form import AskedForm
from rft_runtime.certification.own_grader import OwnGrader

_ANSWER = "72"
_NUMBER = r"numbers?|numerals?|digits?|integer|decimal|numeric(?:al)? (?:answer|value)|value|answer|result|expression"
_FOREIGN_NUMBER = r"zahl|nombre|chiffres?|réponse|número|numero|respuesta|resposta|getal|число|ответ|antwort"
_BETWEEN = (
    r"(?:(?:the|an?|one|single|your|final|numeric|numerical|with|output|return|write|give|print|state|provide|respond|"
    r"reply|in|as|plain|correct|resulting)\W+){0,4}"
)
_said = Wording(
    "fbox|boxed|box your|box the|answer|result|in bold|only|just|alone|last line|final line|nur|seulement|uniquement|"
    "solo|sólo|solamente|apenas|somente|alleen|только|respond|reply|output|return|nothing|express|write|只|のみ|だけ",
    r"\\fbox|\bboxed (?:answer|form|format|expression|result|number|value)\b|\bbe boxed\b|"
    r"\bbox (?:your|the) (?:final )?answer\b|\banswer(?:\*\*)?\s*:|\b(?:answer|result) is\b|\bin bold\b|"
    r"\*\*(?:final )?answer|\b(?:last|final) line\b|"
    rf"\b(?:only|just|nothing but)\W+{_BETWEEN}(?:{_NUMBER})\b|"
    rf"\b(?:nur|seulement|uniquement|s[oó]lo|solamente|apenas|somente|alleen|только)\W+(?:\w+\W+){{0,4}}"
    rf"(?:{_FOREIGN_NUMBER})\b|\b(?:{_NUMBER}|{_FOREIGN_NUMBER})\W{{1,3}}(?:only|alone)\b|"
    r"\b(?:answer|respond|reply|output|return|result|express|write|give|print)\b[^.?!\n]{0,40}"
    rf"(?:\b(?:with\s(?:an?|one|the)|as\s(?:an?|one))\s(?:\w+\s)?(?:{_NUMBER})\b|\bnothing (?:else|but)\b)|"
    r"只.{0,8}(?:数字|答案|数值)|(?:数字|答え|数値)(?:のみ|だけ)",
    reach=80,
)
"""Words that ask for what is read without a literal form: a bare number in the last line, bold text there."""


def final_answer_form(grader: str, options: JsonObject) -> Requirement:
    """Return what `math`, `numeric` and `math_latex` want to be told.

    Which forms they read is asked of the reader itself, by an answer in that form; all three find answers alike.

    Args:
        grader: Its name.
        options: Its options.

    Raises:
        ValueError: When the options are not the grader's.
    """
    marker = options.get("marker")
    own = literal(marker, case_sensitive=False) if isinstance(marker, str) else None
    # math-verify is not where this runs, and the passage is chosen before it is asked.
    reader = OwnGrader("math", {"marker": marker}) if grader == "math_latex" else OwnGrader(grader, options)

    @lru_cache(maxsize=256)
    def reads(form: AskedForm) -> bool:
        return reader.worth(form.write(_ANSWER), _ANSWER) == 1

    def is_told(text: str) -> bool:
        said = (own is not None and own(text)) or any(map(reads, forms_asked_for(text)))
        return bool(said or _said(text))

    example = (
        f"`{marker.strip()} {_ANSWER}`" if isinstance(marker, str) else rf"`#### {_ANSWER}` or `\boxed{{{_ANSWER}}}`"
    )
    return Mentioned(f"a form in which the final answer is read, such as {example}", {"": is_told}, unread_form(reads))


def label_form(options: JsonObject) -> Requirement | None:
    """Return what `label` wants to be told of where a label stands; None when it reads any text.

    Args:
        options: Its options: a marker, else the longest text in which a label is looked for.
    """
    marker, most = options.get("marker"), options.get("max_words", 16)
    if isinstance(marker, str):
        return Mentioned(
            f"the form `{marker.strip()} LABEL`",
            {"": literal(marker, case_sensitive=False)},
            unread_form(lambda form: False),
        )
    if most is None:
        return None
    return Mentioned(f"to answer in at most {most} words", rival=asks_to_reason_aloud)
