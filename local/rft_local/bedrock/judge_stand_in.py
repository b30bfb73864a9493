"""The judge stand-in: what answers under the ids of judge models, by rule, in no time and for nothing.

It grades by word overlap with the reference (without one, with the request), by a length band and by repetition, with
settable noise, biases, throttling and malformed answers. It exercises prompts, parsing, retries, cost and the handling
of variance; what it thinks of an answer says nothing about what a model would think. So its name is in every answer,
and what was calibrated or certified with it holds locally alone.
"""

import json
import math
import random
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.judge_settings import JudgeSettings
from rft_local.bedrock.requests import Converse, Text
from rft_local.bedrock.service_error import ServiceError, invalid
from rft_rewards.fence import read_fenced

NAME = "judge-stand-in"
"""What it calls itself."""

_WORD = re.compile(r"\w+")
_BAND = (5, 300)
_LONGEST_READ = 20_000
_REMEMBERED = 100_000
_CHARACTERS_A_TOKEN = 4
_REASON = "graded by the embedded AWS's judge stand-in: word overlap, length and repetition; no evidence about a model"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer.

    Args:
        content: The message's content blocks.
        stop_reason: Converse's reason.
        tokens_in: Tokens read, estimated.
        tokens_out: Tokens written, estimated.
    """

    content: list[JsonValue]
    stop_reason: str
    tokens_in: int
    tokens_out: int


class JudgeStandIn:
    """Answers judges' questions.

    The nth time that the same is asked, the nth number of its own series decides: concurrency changes nothing, and the
    same questions after a start get the same answers.

    Args:
        settings: How it behaves.
    """

    def __init__(self, settings: JudgeSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._times: OrderedDict[bytes, int] = OrderedDict()

    def answer(self, asked: Converse) -> Judgement:
        """Answer a question in the form that it demands; without one, say in words what this is.

        Raises:
            ServiceError: ThrottlingException, as often as the settings say; ValidationException for a form that the
                service refuses, and for content that is no text.
        """
        texts = [_text(asked.system), *(_text(turn.content) for turn in asked.messages)]
        if len(texts) < 2:
            raise invalid("A conversation must start with a user message.")
        draw = self._draw("\0".join([asked.model_id, *texts]))
        if draw.random() < self._settings.throttled_share:
            raise ServiceError("ThrottlingException", "Too many requests, please wait before trying again.")
        tool, schema = _demanded(asked)
        if schema is None:
            answer: JsonValue = f"I am the {NAME} of the embedded AWS and grade only in a form that is demanded."
        else:
            answer = self._graded(schema, texts[-1], draw)
        if schema is not None and draw.random() < self._settings.malformed_share:
            return _judgement(texts, *_malformed(answer, tool, draw))
        if tool is not None:
            return _judgement(texts, [_call(tool, answer, draw)], "tool_use")
        return _judgement(texts, [{"text": answer if isinstance(answer, str) else json.dumps(answer)}], "end_turn")

    def _draw(self, text: str) -> random.Random:
        """Return the random numbers of this time that a text is asked about."""
        digest = sha256(text.encode()).digest()
        with self._lock:
            times = self._times.pop(digest, 0)
            self._times[digest] = times + 1
            if len(self._times) > _REMEMBERED:
                self._times.popitem(last=False)
        return random.Random(f"{self._settings.seed} {times} {digest.hex()}")

    def _graded(self, schema: Mapping[str, object], text: str, draw: random.Random) -> JsonObject:
        """Return an object of the schema: its whole numbers are grades, its texts the reason."""
        parts = read_fenced(text)
        properties = schema.get("properties")
        answer: JsonObject = {}
        for name, kind in (properties if isinstance(properties, dict) else {}).items():
            grades = _grades(kind)
            if grades is None:
                answer[name] = _REASON
                continue
            completion = parts.get(name, parts.get("answer", text))
            liked = quality(completion, parts.get("reference"), parts.get("request", ""))
            liked += self._settings.verbosity_bias * min(1.0, len(_words(completion)) / _BAND[1])
            liked += self._settings.position_bias * (name == "first")
            liked += draw.gauss(0.0, self._settings.noise) if self._settings.noise else 0.0
            wanted = grades[0] + liked * (grades[-1] - grades[0])
            answer[name] = min(grades, key=lambda grade: abs(grade - wanted))
        return answer


def quality(completion: str, reference: str | None, request: str) -> float:
    """Return what the stand-in thinks of a completion, 0 to 1.

    Args:
        completion: What is graded.
        reference: The reference answer. None: the request stands in for it, at half its weight.
        request: What was asked.
    """
    words = _words(completion)
    if not words:
        return 0.0
    overlap = _overlap(words, _words(reference if reference is not None else request))
    about = overlap if reference is not None else 0.5 + 0.5 * overlap
    least, most = _BAND
    in_band = min(1.0, len(words) / least) * min(1.0, most / len(words))
    threes = list(zip(words, words[1:], words[2:], strict=False))
    fresh = len(set(threes)) / len(threes) if threes else 1.0
    return (0.7 * about + 0.3 * in_band) * fresh


def _overlap(words: Sequence[str], others: Sequence[str]) -> float:
    """Return the F1 of two bags of words."""
    shared = sum((Counter(words) & Counter(others)).values())
    return 2 * shared / (len(words) + len(others)) if shared else 0.0


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_LONGEST_READ].lower())


def _text(blocks: Sequence[Text]) -> str:
    texts = [block.text for block in blocks]
    if any(text is None for text in texts):
        raise invalid("The model returned the following errors: this model takes text content alone")
    return "\n".join(text for text in texts if text is not None)


def _demanded(asked: Converse) -> tuple[str | None, Mapping[str, object] | None]:
    """Return the tool that must be called and the schema of the answer; None where there is none.

    Raises:
        ServiceError: ValidationException for a schema with a feature that Bedrock does not compile.
    """
    if asked.output_config is not None and asked.output_config.text_format is not None:
        return None, _compiled(asked.output_config.text_format.structure.json_schema.schema)
    if asked.tool_config is None or not asked.tool_config.tools:
        return None, None
    spec = asked.tool_config.tools[0].tool_spec
    if spec is None:
        raise invalid("toolConfig: the judge stand-in takes a toolSpec alone")
    return spec.name, spec.input_schema.json


def _compiled(text: str) -> Mapping[str, object]:
    """Return a schema, checked for what the user guide says is not supported."""
    try:
        schema = json.loads(text)
    except ValueError:
        raise invalid("outputConfig.textFormat: the schema is not JSON") from None
    kinds = list(schema.get("properties", {}).values()) if isinstance(schema, dict) else []
    if not isinstance(schema, dict) or schema.get("additionalProperties") is not False:
        raise invalid("outputConfig.textFormat: additionalProperties must be set to false")
    for kind in kinds:
        if isinstance(kind, dict) and kind.keys() & {"minimum", "maximum", "multipleOf", "minLength", "maxLength"}:
            raise invalid("outputConfig.textFormat: numerical and string constraints are not supported")
    return schema


def _grades(kind: object) -> list[int] | None:
    """Return the whole numbers that a property may be, in order; None when it is something else."""
    listed = kind.get("enum") if isinstance(kind, dict) and kind.get("type") == "integer" else None
    if not isinstance(listed, list):
        return None
    return sorted(value for value in listed if isinstance(value, int) and not isinstance(value, bool)) or None


def _malformed(answer: JsonValue, tool: str | None, draw: random.Random) -> tuple[list[JsonValue], str]:
    """Return an answer as models break the form: prose, a cut text, a fence, a grade off the scale, a lost call."""
    text = json.dumps(answer)
    broken = draw.choice(
        ["The reasoning earns +0.3, so I would say 8/10.", text[: len(text) // 2], f"```json\n{text}\n```", ""]
    )
    if tool is not None and draw.random() < 0.5:
        return [_call(tool, {"grade": "8/10"}, draw)], "tool_use"
    return [{"text": broken}], "malformed_tool_use" if tool is not None else "end_turn"


def _call(tool: str, value: JsonValue, draw: random.Random) -> JsonValue:
    return {"toolUse": {"toolUseId": f"tooluse_{draw.getrandbits(64):016x}", "name": tool, "input": value}}


def _judgement(texts: Sequence[str], content: list[JsonValue], stop_reason: str) -> Judgement:
    read, written = sum(map(len, texts)), len(json.dumps(content))
    return Judgement(
        content, stop_reason, math.ceil(read / _CHARACTERS_A_TOKEN), math.ceil(written / _CHARACTERS_A_TOKEN)
    )
