"""A recipe survives the journey from YAML to Lambda, and says what is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Datasets, Gate, Limits, Money, Probe, Training

CASES = json.loads((Path(__file__).parents[1] / "cases" / "bad_recipes.json").read_text())

LEGAL = st.builds(
    Recipe,
    line=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True),
    reward=st.sampled_from(["gsm8k", "routing"]),
    base_model=st.just("amazon.nova-2-lite-v1:0:256k"),
    datasets=st.builds(
        Datasets,
        train=st.just("t"),
        held_out=st.just("h"),
        validation=st.none() | st.just("v"),
        guards=st.dictionaries(st.sampled_from(["old-skill", "safety"]), st.just("g")),
    ),
    hyperparameters=st.builds(
        Hyperparameters,
        epochCount=st.integers(1, 50),
        batchSize=st.integers(16, 512),
        learningRate=st.floats(1e-7, 1e-3),
        reasoningEffort=st.sampled_from([None, "low", "medium", "high"]),
    ),
    probe=st.builds(Probe, prompts=st.integers(0, 500), samples=st.none() | st.integers(2, 64)),
    training=st.builds(Training, max_invalid_share=st.floats(0, 1)),
    gate=st.builds(
        Gate,
        min_gain=st.floats(-1, 1),
        samples_per_prompt=st.integers(0, 64),
        live_margin=st.floats(0, 1),
        max_length_ratio=st.none() | st.floats(0.1, 10),
        min_component_ratios=st.dictionaries(st.sampled_from(["format"]), st.floats(0, 1)),
    ),
    promote=st.booleans(),
    limits=st.builds(
        Limits,
        hours=st.floats(0.01, 72),
        rollouts=st.none() | st.integers(1, 10**6),
        tokens=st.none() | st.integers(1, 10**9),
        judge_calls=st.none() | st.integers(1, 10**6),
        money=st.none() | st.builds(Money, amount=st.floats(0.01, 1e6), currency=st.sampled_from(["USD", "EUR"])),
    ),
)


@given(LEGAL)
def test_a_recipe_reads_back_equal(recipe: Recipe) -> None:
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def legal() -> dict[str, Any]:
    return {
        "schema": 1,
        "line": "routing",
        "reward": "routing",
        "base_model": "amazon.nova-2-lite-v1:0:256k",
        "datasets": {"train": "train.jsonl", "held_out": "held_out.jsonl"},
    }


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_a_bad_recipe_is_refused_by_name(case: dict[str, Any]) -> None:
    recipe = legal()
    for path, value in case["set"].items():
        section, _, key = path.rpartition(".")
        (recipe.setdefault(section, {}) if section else recipe)[key] = value
    for key in case.get("drop", []):
        del recipe[key]
    with pytest.raises(ValueError) as refusal:
        Recipe.from_json(recipe)
    message = str(refusal.value)
    assert case["says"] in message
    assert "\n" not in message


def test_defaults_stay_out_of_the_request_when_they_mean_nothing() -> None:
    assert "reasoningEffort" not in Hyperparameters().to_json()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=8), s, max_size=4),
        max_leaves=12,
    )
)
def test_any_json_is_a_recipe_or_a_clear_refusal(value: Any) -> None:
    with pytest.raises(ValueError):
        Recipe.from_json(value)


def test_a_guards_margin_names_a_guard_set() -> None:
    value = legal() | {"gate": {"guards": {"safety": 0.1}}}
    with pytest.raises(ValueError, match=r"gate.guards.safety: no such guard set; datasets.guards has none"):
        Recipe.from_json(value)
    value["datasets"] = {**legal()["datasets"], "guards": {"safety": "safety.jsonl"}}
    assert Recipe.from_json(value).gate.guards == {"safety": 0.1}


def test_datasets_move() -> None:
    given = Datasets(train="a", held_out="b", guards={"safety": "c"})
    moved = given.at({"train": "s3://b/a", "guard-safety": "s3://b/c"})
    assert moved == Datasets(train="s3://b/a", held_out="b", guards={"safety": "s3://b/c"})
    assert dict(moved.items()) == {"train": "s3://b/a", "held_out": "b", "guard-safety": "s3://b/c"}
