"""What a judge is told and shown, and how its answer is read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_rewards.fence import fenced
from rft_rewards.judge_question import REASON, Question
from rft_rewards.options import check_share, check_whole
from rft_rewards.rubric import Rubric, read_rubric

_LONGEST_INDENTED = 10_000
_PROMPTS = Path(__file__).parent / "prompts"
_LONGEST_ANSWER = 100_000
_SAMPLING_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePrompt:
    """A judge's instructions.

    Args:
        rubric: What it grades by.
        model: Id of a model or inference profile.
        temperature: 0 to 1.
        max_tokens: Longest answer.
    """

    rubric: Rubric
    model: str
    temperature: float
    max_tokens: int

    @classmethod
    def from_options(
        cls, *, model: str, rubric: str, samples: int = 1, temperature: float | None = None, max_tokens: int = 1024
    ) -> "JudgePrompt":
        """Return what these options of the grader `judge` come to.

        Raises:
            ValueError: When one of them has the wrong form.
        """
        read = read_rubric(rubric)
        if not isinstance(model, str) or not model.strip():
            raise ValueError(f"model: got {model!r}, wanted the id of a model or an inference profile")
        check_whole("samples", samples, least=1, most=9)
        check_whole("max_tokens", max_tokens, least=64, most=8192)
        if temperature is None:
            temperature = 0.0 if samples == 1 else _SAMPLING_TEMPERATURE
        check_share("temperature", temperature)
        return cls(rubric=read, model=model, temperature=float(temperature), max_tokens=max_tokens)

    def question(self, request: str, answer: str, reference: JsonValue = None) -> Question:
        """Return the question about one answer.

        Args:
            request: The prompt that it answers.
            answer: The completion.
            reference: What the rubric may look at besides: a text, or anything else as JSON. None: nothing.
        """
        parts = {"request": request}
        if reference is not None:
            parts["reference"] = reference if isinstance(reference, str) else _shown(reference)
        return self._question("judge", {**parts, "answer": answer}, ("grade",))

    def pair_question(self, request: str, first: str, second: str) -> Question:
        """Return the question about two answers to one request."""
        return self._question("pair", {"request": request, "first": first, "second": second}, ("first", "second"))

    def hashes(self) -> dict[str, str]:
        """Return SHA-256 hashes of what a calibration holds for: the prompt file, the rubric and the model."""
        named = {
            "prompt_sha256": prompt_file("judge"),
            "rubric_sha256": canonical(asdict(self.rubric)),
            "model_sha256": canonical([self.model, self.temperature, self.max_tokens]),
        }
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in named.items()}

    def _question(self, file: str, parts: dict[str, str], grades: tuple[str, ...]) -> Question:
        low, high = self.rubric.low, self.rubric.high
        system = prompt_file(file).replace("{low}", str(low)).replace("{high}", str(high))
        mark, material = fenced(parts)
        demand = f"Give your reason, then {' and '.join(grades)}: whole numbers from {low} to {high}."
        return Question(
            model=self.model,
            system=system.replace("{rubric}", self.rubric.text),
            user=f"The mark of this material is {mark}.\n\n{material}\n\n{demand}",
            grades=grades,
            low=low,
            high=high,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )


def request_text(prompt: Sequence[JsonValue]) -> str:
    """Return a prompt's turns as one text: a single user turn as it is, others under their roles."""
    turns = [(_role(turn), _turn_text(turn)) for turn in prompt if isinstance(turn, dict)]
    if len(turns) == 1 and turns[0][0] == "user":
        return turns[0][1].strip()
    return "\n\n".join(f"[{role}]\n{text}" for role, text in turns if text.strip())


def _role(turn: JsonObject) -> str:
    """Return who speaks; what is no text is nobody."""
    role = turn.get("role")
    return role if isinstance(role, str) else "unknown"


def with_calls(text: str, calls: Sequence[JsonValue]) -> str:
    """Return a turn's text, followed by its tool calls as JSON."""
    return "\n".join(part for part in (text, _shown(list(calls)) if calls else "") if part)


@cache
def prompt_file(name: str) -> str:
    """Return a reviewed prompt file, `judge` or `pair`."""
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def read_grades(text: str, question: Question) -> tuple[int, ...] | None:
    """Read a judge's answer.

    Refused are prose, text around the JSON, repeated, missing or additional fields, grades that are no whole number
    (also `"7"`, `"8/10"`, `7.5` and `true`), and grades off the scale: what is not in the form that was demanded says
    nothing, and no number is looked for in it.

    Returns:
        The grades in the question's order; None when the answer cannot be read.
    """
    if len(text) > _LONGEST_ANSWER:
        return None
    try:
        answer = json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or answer.keys() != {REASON, *question.grades}:
        return None
    grades = [answer[name] for name in question.grades]
    if not isinstance(answer[REASON], str) or not all(_is_grade(grade, question) for grade in grades):
        return None
    return tuple(int(grade) for grade in grades)


def _is_grade(value: object, question: Question) -> bool:
    """Whether a value is a whole number on the scale."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and question.low <= value <= question.high
        and value == int(value)
    )


def _once(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    """Return an object that names each field once.

    Raises:
        ValueError: When one appears twice, so that it says two things.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field appears twice")
    return found


def _refused(name: str) -> float:
    """Refuse NaN and infinities.

    Raises:
        ValueError: Always.
    """
    raise ValueError(f"{name} is not JSON")


def _turn_text(turn: JsonObject) -> str:
    """Return a turn's text parts and tool calls."""
    content = turn.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    calls = turn.get("tool_calls")
    return with_calls(
        "".join(text for text in texts if isinstance(text, str)), calls if isinstance(calls, list) else ()
    )


def _shown(value: JsonValue) -> str:
    """Return a reference as the judge sees it: indented unless it is long; what is no JSON, by its type alone."""
    try:
        short = json.dumps(value, ensure_ascii=False, sort_keys=True)
        return (
            short if len(short) > _LONGEST_INDENTED else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        )
    except (ValueError, TypeError, RecursionError):
        return repr(type(value).__name__)
