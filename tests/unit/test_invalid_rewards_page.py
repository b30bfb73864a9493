"""The simulation of invalid rewards fills as the reward function does, and its page says what was committed."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import invalid_rewards
from benchmarks.invalid_rewards_page import COMMAND, PAGE, PICTURE, committed, page, picture
from rft_contract.json_value import JsonObject
from rft_contract.reward_spec import RewardSpec
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.sample import Sample
from rft_runtime.grading import grade_event
from rft_runtime.reward_events import read_event

RECORD = committed()
SPEC = RewardSpec(name="mine", grader="math", floor=-1.0, ceiling=1.0)


def test_page_and_picture_are_what_the_result_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(RECORD), f"run: {COMMAND}"
    assert PICTURE.read_text(encoding="utf-8") == picture(RECORD), f"run: {COMMAND}"
    ElementTree.parse(PICTURE)


def by_text(sample: Sample) -> Grade:
    return Invalid("judge-throttled") if sample.completion == "invalid" else Score(float(sample.completion))


@pytest.mark.parametrize(("event_size", "shuffled"), [(1, False), (3, False), (4, False), (64, False), (8, True)])
def test_the_simulated_fill_is_the_reward_functions(
    event_size: int, shuffled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, size = 32, 4
    monkeypatch.setattr(invalid_rewards, "_GROUPS", groups)
    random = np.random.default_rng(1)
    world = invalid_rewards._World.drawn(random, 0.4, size, 1)
    events = invalid_rewards._events(world, random, event_size, shuffled)
    base = random.choice([-0.5, 0.25], (groups, 1))
    fill, _ = invalid_rewards._mates_mean(world, events, base)

    def sample(group: int, place: int) -> JsonObject:
        text = str(world.value[group, place]) if world.valid[group, place] else "invalid"
        mark: JsonObject = {"run": "r", "split": "train", "row": group, "base": float(base[group, 0])}
        return {"messages": [{"role": "assistant", "content": text}], "rft": mark}

    for event in np.unique(events):
        places = [(int(group), int(place)) for group, place in np.argwhere(events == event)]
        graded = grade_event(read_event([sample(*where) for where in places]), by_text, SPEC)
        for where, one in zip(places, graded, strict=True):
            assert one.reward == pytest.approx(world.rewards[where] if world.valid[where] else fill[where])


def test_the_baselines_are_the_formulas() -> None:
    rewards = np.array([[1.0, 0.0, 0.0, 5.0]])
    counted = np.array([[True, True, True, False]])
    advantages = {name: invalid_rewards._advantages(rewards, counted, name) for name in invalid_rewards.BASELINES}
    assert advantages["mean"] == pytest.approx(np.array([[2 / 3, -1 / 3, -1 / 3, 0]]))
    assert advantages["leave-one-out"] == pytest.approx(np.array([[1, -0.5, -0.5, 0]]))
    assert advantages["mean/std"] == pytest.approx(np.array([[2**0.5, -(0.5**0.5), -(0.5**0.5), 0]]))
    assert not invalid_rewards._advantages(rewards[:, 1:3], counted[:, 1:3], "mean/std").any()


def rows(choice: str, **setting: Any) -> list[Any]:
    wanted = {"choice": choice} | setting
    return [row for row in RECORD["figures"]["rows"] if wanted.items() <= row.items()]


def test_what_the_page_says_in_words_holds_in_every_setting() -> None:
    assert len(RECORD["figures"]["rows"]) == 360
    for row in rows("mates", shuffled=False):
        if row["event_size"] % row["group_size"] == 0:
            # A group without any valid rollout has no mates; it is one in 600 at 20 % invalid and groups of 4.
            assert row["dead_groups_revived"] < 0.01
            assert row["groups_with_flipped_sign"] == 0
    for name in ("running mean", "zero"):
        for row in rows(name):
            assert row["dead_groups_revived"] > 0.99
            assert row["spurious_advantage_hard"] > 0.4 > -0.4 > row["spurious_advantage_easy"]
    for row in rows("floor"):
        assert row["spurious_advantage_hard"] <= 0
    for row in RECORD["figures"]["rows"]:
        assert row["gradient_kept"] > 0.5
    for crash in RECORD["figures"]["crashes"]:
        unlearnt = crash["crash_share_after"] < crash["crash_share_before"] - 0.005
        assert unlearnt == (crash["crash_scores"] == "floor")
