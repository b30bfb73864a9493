"""Which component of a reward pulls, among the completions of one prompt."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from rft_cli.certificate_screen import certificate_screen
from rft_contract.json_value import JsonObject
from rft_contract.reward_spec import RewardSpec
from rft_rewards.compose import compose
from rft_rewards.grade import AnyGrader, Grade, Invalid, Score
from rft_rewards.sample import Sample
from rft_runtime.certificate import Certificate, decode_certificate, encode_certificate
from rft_runtime.certification.component_shares import Composition, component_shares
from rft_runtime.certification.probe import Turn
from rft_runtime.certification.prompt_groups import MOST_COMPONENTS, PromptGroups, Scored
from rft_runtime.certification.row import Row
from tests.unit.test_certificate import certificate as plain_certificate
from tests.unit.test_certificate_rewards import certificate as certificate_of

NAMES = ("one", "two", "three", "four")
TENTHS = st.integers(0, 10).map(lambda tenths: tenths / 10)


def spec(parts: dict[str, Any], **options: Any) -> RewardSpec:
    return RewardSpec(name="tried", grader="compose", options={"graders": parts, **options})


def graded(parts: dict[str, Any], completions: Sequence[dict[str, float | None]], **options: Any) -> list[Scored]:
    """Return what `compose` makes of the parts' values; None is no grade."""
    place = iter(range(1_000_000))

    def build(name: str, options: dict[str, Any]) -> AnyGrader:
        def grade(sample: Sample) -> Grade:
            value = completions[int(sample.completion)][name]
            return Invalid("no-grade") if value is None else Score(value, "as told")

        return grade

    samples = [Sample(completion=str(next(place))) for _ in completions]
    grades = compose(build=build, graders=parts, **options).grade_all(samples)
    return [Scored(grade.value, grade.components) for grade in grades if isinstance(grade, Score)]


def part(name: str, **keys: Any) -> dict[str, Any]:
    return {"grader": name, **keys}


@st.composite
def linear(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, float | None]]]:
    """Compositions of one level without gates."""
    names = NAMES[: draw(st.integers(1, 4))]
    parts = {name: part(name, weight=draw(st.integers(1, 9)) / 3) for name in names}
    values: dict[str, st.SearchStrategy[float | None]] = dict.fromkeys(names, TENTHS)
    return parts, draw(st.lists(st.fixed_dictionaries(values), min_size=2, max_size=8))


@st.composite
def any_composition(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, float | None]], int]:
    """Compositions with levels, gates, clamps and parts that may be without a grade."""
    parts: dict[str, Any] = {"one": part("one", level=1), "two": part("two", level=draw(st.integers(1, 2)))}
    for name in ("three", "four"):
        parts[name] = part(name, weight=draw(st.integers(1, 9)) / 3, clamp=draw(st.sampled_from([[0, 1], [0.2, 0.7]])))
    for name in draw(st.sets(st.sampled_from(NAMES[1:]))):
        parts[name]["gate"] = draw(TENTHS)
        parts[name].setdefault("weight", draw(st.sampled_from([0, 1])) if parts["two"]["level"] == 1 else 1)
    optional = draw(st.sampled_from([None, "three"]))
    if optional:
        parts[optional]["optional"] = True
    values = {name: TENTHS | st.none() if name == optional else TENTHS for name in NAMES}
    return parts, draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=8)), draw(st.sampled_from([1, 10]))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(linear())
def test_the_shares_of_a_linear_composition_add_up_to_1(
    drawn: tuple[dict[str, Any], list[dict[str, float | None]]],
) -> None:
    parts, completions = drawn
    group = graded(parts, completions)
    found = component_shares(spec(parts), [group])
    if max(one.value for one in group) - min(one.value for one in group) > 1e-3:
        assert sum(found.values()) == pytest.approx(1, abs=1e-3)
        assert list(found.values()) == sorted(found.values(), reverse=True)
    else:
        assert not found or sum(found.values()) == pytest.approx(1, abs=1e-3)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(any_composition())
def test_what_the_parts_add_is_the_reward_as_compose_counts_it(
    drawn: tuple[dict[str, Any], list[dict[str, float | None]], int],
) -> None:
    parts, completions, steps = drawn
    group = graded(parts, completions, steps=steps)
    composition = Composition(spec(parts, steps=steps).options)
    added = composition.contributions([one.components for one in group])
    assert [math.fsum(one.values()) for one in added] == pytest.approx([one.value for one in group])


def test_a_part_that_all_completions_satisfy_pulls_nothing_whatever_its_weight() -> None:
    parts = {"layout": part("layout", weight=9), "answer": part("answer", weight=1)}
    group = graded(parts, [{"layout": 1, "answer": 1}, {"layout": 1, "answer": 0}, {"layout": 1, "answer": 0.5}])
    assert component_shares(spec(parts), [group]) == {"answer": 1, "layout": 0}


def test_a_share_is_the_covariance_of_the_weighted_part_with_the_reward() -> None:
    parts = {"answer": part("answer", weight=0.9), "brevity": part("brevity", weight=0.1)}
    # var R = .81/4 - 2 * .09/4 + .01/4 = .64/4 for opposite parts: the answer has .9/.8, brevity -.1/.8.
    opposite = graded(parts, [{"answer": 1, "brevity": 0}, {"answer": 0, "brevity": 1}])
    assert component_shares(spec(parts), [opposite]) == {"answer": 1.125, "brevity": -0.125}
    # Independent of each other, they have .81 and .01 of .82.
    crossed = graded(parts, [{"answer": a, "brevity": b} for a in (0, 1) for b in (0, 1)])
    assert component_shares(spec(parts), [crossed]) == {"answer": 0.9878, "brevity": 0.0122}
    assert component_shares(spec(parts), [opposite, crossed]) == pytest.approx(
        {"answer": (1.125 + 0.9878) / 2, "brevity": (-0.125 + 0.0122) / 2}, abs=1e-4
    )


def test_a_part_that_varies_between_prompts_alone_pulls_nothing() -> None:
    parts = {"answer": part("answer"), "topic": part("topic")}
    groups = [graded(parts, [{"answer": a, "topic": topic} for a in (0, 1)]) for topic in (0, 1)]
    assert component_shares(spec(parts), groups) == {"answer": 1, "topic": 0}


def test_a_gate_has_the_variance_between_what_it_refuses_and_the_rest() -> None:
    parts = {"form": part("form", gate=1), "answer": part("answer")}
    right_or_refused = graded(parts, [{"form": 1, "answer": 1}, {"form": 0, "answer": 1}])
    assert component_shares(spec(parts), [right_or_refused]) == {"form": 1, "answer": 0}
    # Rewards 1, .5, 0 and 0, the last one refused: .0417 * 3 of the parts' .125 lies among the three others.
    mixed = graded(parts, [{"form": f, "answer": a} for f, a in ((1, 1), (1, 0.5), (1, 0), (0, 1))])
    among = 3 / 4 * (1 / 6)
    whole = (1 + 0.25) / 4 - (1.5 / 4) ** 2
    assert component_shares(spec(parts), [mixed]) == pytest.approx(
        {"answer": among / whole, "form": 1 - among / whole}, abs=1e-4
    )


def test_prompts_whose_completions_score_alike_do_not_count() -> None:
    parts = {"answer": part("answer"), "brevity": part("brevity")}
    flat = graded(parts, [{"answer": 1, "brevity": 0}, {"answer": 0, "brevity": 1}])
    varied = graded(parts, [{"answer": 1, "brevity": 1}, {"answer": 0, "brevity": 1}])
    assert component_shares(spec(parts), [flat]) == {}
    assert component_shares(spec(parts), [flat, varied]) == {"answer": 1, "brevity": 0}


def test_without_known_weights_a_share_is_a_squared_correlation() -> None:
    rewards = (0.0, 0.25, 0.75, 1.0)
    group = [
        Scored(reward, {"same": 40 * reward, "against": -reward, "flat": 7.0, "huge": 1e300 * reward})
        for reward in rewards
    ]
    found = component_shares(None, [group])
    assert found == {"same": 1, "against": 1, "huge": 1, "flat": 0}
    unreported = [*group, Scored(0.5, {})]
    assert component_shares(None, [unreported])["same"] == 1
    assert component_shares(None, [[Scored(reward, {}) for reward in rewards]]) == {}


def test_what_is_no_composition_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"grader compose: .*\$"):
        Composition({"graders": {"answer": {"weight": "heavy"}}})


def test_a_group_holds_each_completion_of_a_sampled_row_or_case_once() -> None:
    groups = PromptGroups([1])
    fields: JsonObject = {"messages": [{"role": "user", "content": "?"}]}
    for row in (Row(1, fields), Row(2, fields), Row(2, fields, is_case=True)):
        for turn in (Turn("a"), Turn("a"), Turn("a", ({"name": "call"},)), Turn("b")):
            groups.add(row, turn, 0.5, {"x": 1.0})
    groups.add(Row(1, fields), Turn("invalid"), None, {})
    assert [len(group) for group in groups.groups()] == [3, 3]


def test_only_finite_components_with_short_names_are_kept() -> None:
    groups = PromptGroups([1])
    row = Row(1, {})
    odd = {"a\nb": 1.0, "x" * 65: 1.0, "": 1.0, "inf": math.inf}
    groups.add(row, Turn("a"), 0.5, odd | {str(number): 1.0 for number in range(20)})
    ((scored,),) = groups.groups()
    assert list(scored.components) == [str(number) for number in range(MOST_COMPONENTS)]


def test_the_certificate_of_a_composition_says_which_part_pulls() -> None:
    found = certificate_of("legitimate_rewards", "composed_with_length").component_shares
    assert set(found) == {"layout", "answer", "brevity"}
    assert sum(found.values()) == pytest.approx(1, abs=1e-3)
    assert found["brevity"] < 0.1
    assert certificate_of("legitimate_rewards", "exact_name").component_shares == {}


def test_the_authors_cases_are_prompts_with_completions_too() -> None:
    assert certificate_of("legitimate_rewards", "instructions").component_shares["fulfilled"] == 1


def test_the_screen_has_a_line_and_a_certificate_from_before_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    def screen(found: Certificate) -> list[str]:
        Console(width=200).print(certificate_screen(found))
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("pull")]

    shares = {"answer": 0.924, "brevity": 0.08, "layout": -0.004}
    found = plain_certificate(kind="compose", component_shares=shares)
    assert screen(found) == [
        "pull: answer 92 %, brevity 8 %, layout 0 % (share of the within-prompt variance of the reward)"
    ]
    assert decode_certificate(encode_certificate(found)) == found
    (other,) = screen(plain_certificate(kind="own", component_shares={"tone": 0.5}))
    assert other == "pull: tone 50 % (share of the within-prompt variance of the reward that each alone explains)"
    before = (
        encode_certificate(plain_certificate())
        .replace(b',\n  "component_shares": {}', b"")
        .replace(b'"component_shares": {},', b"")
    )
    assert b"component_shares" not in before
    old = decode_certificate(before)
    assert old is not None
    assert screen(old) == []
