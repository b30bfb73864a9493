"""Graders by name."""

import pytest

from rft_contract.json_value import JsonObject
from rft_contract.reward_spec import RewardSpec
from rft_rewards.batch import grade_all
from rft_rewards.grade import Invalid, Score
from rft_rewards.registry import build
from rft_rewards.sample import Sample


def spec(grader: str, options: JsonObject | None = None) -> RewardSpec:
    return RewardSpec(name="mine", grader=grader, options=options or {})


@pytest.mark.parametrize(
    ("grader", "options", "completion", "reference"),
    [
        ("math", {"marker": "ANSWER:"}, "ANSWER: 7\n#### 8", 7),
        ("label", {"labels": ["yes", "no"]}, "Yes.", "yes"),
        ("json_fields", {"lists": "set"}, '{"a": [2, 1]}', {"a": [1, 2]}),
    ],
)
def test_a_grader_is_built_with_its_options(
    grader: str, options: JsonObject, completion: str, reference: JsonObject
) -> None:
    (grade,) = grade_all(build(spec(grader, options)), [Sample(completion, reference)])
    assert isinstance(grade, Score)
    assert grade.value == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (spec("maths"), ["mine", "'maths'", "math, ", "json_fields"]),
        (spec("math", {"markers": "x"}), ["mine", "'markers'", "marker, ", "accounting"]),
        (spec("math", ["marker"]), ["mine", "options", "['marker']", "mapping"]),  # type: ignore[arg-type]  # the mistake
        (spec("label"), ["mine", "label", "'labels'"]),
        (spec("label", {"labels": ["a"]}), ["mine", "labels", "['a']", "at least two"]),
    ],
)
def test_errors_name_what_was_got_and_what_there_is(wrong: RewardSpec, words: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        build(wrong)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("reason", ["Reference missing", "", "reference_missing", "a" * 49, "-a", "the answer was: 72"])
def test_reasons_are_codes_and_never_text(reason: str) -> None:
    with pytest.raises(ValueError, match="kebab"):
        Invalid(reason)
