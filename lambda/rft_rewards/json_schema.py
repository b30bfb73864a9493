"""The `json_schema` grader: structured output that must satisfy a JSON Schema."""

import functools
import json
import re
from dataclasses import dataclass

import jsonschema_rs

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.json_text import ExactValue, UnreadableJson, read_value
from rft_rewards.sample import Sample
from rft_rewards.schema_size import schema_size

MOST_WORK = 1_000_000_000
"""A completion's characters times its schema's parts, up to which it is checked."""

_LONGEST_SCHEMA = 200_000
_MOST_PARTS = 1_000_000
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def json_schema(*, schema: JsonObject | None = None) -> Grader:
    """Return a grader that asks whether a completion's JSON value satisfies a JSON Schema: 1, else 0.

    Drafts 4 to 2020-12, by `$schema`; the last one without it. Formats are asserted, whatever the draft says. Numbers
    are compared exactly, as they are written. There is no partial credit, because a share of satisfied rules would pay
    for the easy ones. A value that is valid but says nothing is paid as well, such as `{}` where no field is required:
    so require what must be there, and combine with a grader of the content.

    Refused, that is scored 0: no JSON value, two different ones, broken JSON or text after it in its fence, a duplicate
    key, NaN or an infinity, nesting deeper than 32, numbers beyond 200 digits, half a surrogate pair; a completion too
    long for its schema (characters times the schema's parts above 1,000,000,000, some two seconds of work).

    The schema is refused, not the completion, when it breaks its draft's rules, names a format that its draft does not
    know, has a pattern with a look-around or back reference (patterns run on an engine whose time is linear in the
    text), refers to anything outside itself (nothing is ever fetched), is longer than 200,000 characters, or has more
    than 1,000,000 parts when its references are written out.

    Args:
        schema: The schema of all rows. None: each row brings its own.

    Returns:
        A grader for references that are `{"schema": {...}}`, or the JSON text of one; with `schema`, references are not
        looked at. Anything else, and a refused schema, is invalid.

    Raises:
        ValueError: When `schema` is refused.
    """
    fixed = None if schema is None else _Rule.of(schema)

    def grade(sample: Sample) -> Grade:
        rule = fixed or _row_rule(sample.reference)
        if isinstance(rule, Invalid):
            return rule
        try:
            value = read_value(sample.completion)
        except UnreadableJson as error:
            return Score(0.0, f"unreadable answer: {error}", {"readable": 0.0})
        if len(sample.completion) * rule.parts > MOST_WORK:
            return Score(0.0, "too long for its schema", {"readable": 1.0})
        if not rule.accepts(value):
            return Score(0.0, "the schema is not satisfied", {"readable": 1.0})
        return Score(1.0, "the schema is satisfied", {"readable": 1.0})

    return grade


@dataclass(frozen=True, slots=True)
class _Rule:
    """A schema that can be asserted.

    Args:
        validator: It, compiled.
        parts: How many parts it has, references written out.
    """

    validator: jsonschema_rs.Validator
    parts: int

    @classmethod
    def of(cls, schema: JsonValue) -> "_Rule":
        """Compile a schema.

        Raises:
            ValueError: One line, when it is refused.
        """
        if not isinstance(schema, dict):
            raise ValueError(f"schema: got {type(schema).__name__}, wanted an object")
        try:
            text = canonical(schema)
        except (RecursionError, TypeError, ValueError):
            raise ValueError("schema: it is not plain JSON") from None
        return _compiled(text)

    def accepts(self, value: ExactValue) -> bool:
        """Whether a value satisfies the schema."""
        return _is_unicode(value) and self.validator.is_valid(value)


@functools.lru_cache(maxsize=256)  # the rollouts of a prompt share their schema
def _compiled(text: str) -> _Rule:
    """Return the rule that a schema's canonical text states.

    Raises:
        ValueError: One line, when it is refused.
    """
    if len(text) > _LONGEST_SCHEMA:
        raise ValueError(f"schema: it has {len(text):,} characters, more than {_LONGEST_SCHEMA:,}")
    parts = schema_size(json.loads(text))
    if parts > _MOST_PARTS:
        raise ValueError(f"schema: it unfolds to more than {_MOST_PARTS:,} parts")
    try:
        validator = jsonschema_rs.validator_for(
            text,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except ValueError as error:
        raise ValueError(f"schema: {str(error).partition(chr(10))[0][:200]}") from None
    return _Rule(validator, parts)


def _row_rule(reference: JsonValue) -> _Rule | Invalid:
    """Return the schema that a row brings, or why it brings none."""
    if reference is None:
        return Invalid("reference-missing")
    if isinstance(reference, str):
        try:
            reference = json.loads(reference)
        except (RecursionError, ValueError):
            return Invalid("reference-not-a-schema")
    if not isinstance(reference, dict) or not isinstance(reference.get("schema"), dict):
        return Invalid("reference-not-a-schema")
    try:
        return _Rule.of(reference["schema"])
    except ValueError:
        return Invalid("schema-refused")


def _is_unicode(value: ExactValue) -> bool:
    """Whether all texts in a value are Unicode, which half a surrogate pair is not."""
    if isinstance(value, str):
        return value.isascii() or _SURROGATE.search(value) is None
    if isinstance(value, list):
        return all(map(_is_unicode, value))
    return not isinstance(value, dict) or (all(map(_is_unicode, value)) and all(map(_is_unicode, value.values())))
