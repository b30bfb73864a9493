"""What a gate can show, and the gates that nobody can pass."""

import pytest

from rft_contract.outcomes import RunFailed
from rft_contract.recipe_sections import Gate
from rft_runtime.planning.gate_power import gate_power, require_reachable, require_units
from rft_runtime.planning.prompt_sizes import PromptSizes
from rft_runtime.statistics import smallest_gain


def test_the_smallest_gain_is_that_of_lachin_with_the_measured_spread() -> None:
    power = gate_power(Gate(samples_per_prompt=4), prompts=100, span=1.0)
    assert power.spread == pytest.approx(0.275)
    assert power.smallest_gain == pytest.approx((1.6449 + 0.8416) * 0.275 / 10, abs=1e-4)
    assert power.words().startswith(
        "with 100 held-out prompts, 4 completions of each and level 0.05, a true gain of 0.068"
    )


def test_every_look_makes_the_level_stricter() -> None:
    gains = [gate_power(Gate(), prompts=100, looks=looks, span=1.0).smallest_gain for looks in range(5)]
    assert gains == sorted(set(gains))
    assert gains[4] == pytest.approx(smallest_gain(100, 0.55 / 2**0.5, confidence=0.99))
    third = gate_power(Gate(), prompts=100, looks=2, span=1.0)
    assert third.words().endswith("candidate 3 on this held-out set: the gate asks for 98.33 % confidence")
    assert "candidate" not in gate_power(Gate(), prompts=100, span=1.0).words()


def test_a_greedy_gate_compares_one_completion() -> None:
    assert gate_power(Gate(samples_per_prompt=0), prompts=10).samples == 1


@pytest.mark.parametrize(
    ("min_gain", "prompts", "span", "refused"),
    [
        (0.0, 100, 1.0, False),
        (0.95, 100, 1.0, True),
        (0.95, 100, 2.0, False),
        (0.95, 100, None, False),
        (0.5, 3, 1.0, True),
    ],
)
def test_a_gate_that_no_candidate_can_pass_is_refused(
    min_gain: float, prompts: int, span: float | None, refused: bool
) -> None:
    power = gate_power(Gate(min_gain=min_gain), prompts=prompts, span=span)
    if refused:
        with pytest.raises(RunFailed, match="the gate cannot pass") as error:
            require_reachable(power)
        assert "\n" not in str(error.value)
    else:
        require_reachable(power)
    assert ("range is unknown" in power.words()) == (span is None)


def test_a_margin_that_is_too_narrow_for_its_prompts_is_a_warning_with_the_prompts_that_it_needs() -> None:
    power = gate_power(Gate(), prompts=100, span=1.0, guards={"guard-old": 100}, has_live=True)
    guard, live = power.warnings
    assert guard.startswith("gate.guards.old: with 100 prompts")
    assert live.startswith("gate.live_margin: with 100 prompts")
    needed = int(guard.split("use ")[1].split(" prompts")[0].replace(",", ""))
    assert gate_power(Gate(), prompts=100, span=1.0, guards={"guard-old": needed}).warnings == []
    assert gate_power(Gate(), prompts=100, span=1.0, guards={"guard-old": needed - 2}).warnings != []


def test_a_margin_of_nothing_asks_for_a_margin() -> None:
    (warning,) = gate_power(Gate(live_margin=0.0), prompts=100, has_live=True).warnings
    assert warning.endswith("use a margin above 0")


def of_prompts(rows: int, *, grouped: int = 0, groups: int = 0) -> PromptSizes:
    return PromptSizes("", [10] * rows, [20] * rows, grouped, groups)


@pytest.mark.parametrize("split", ["held_out", "guard-old"])
@pytest.mark.parametrize(
    ("size", "refused"),
    [
        (of_prompts(0), "got 0 prompts; .*: add prompts$"),
        (of_prompts(1), "got 1 prompts; .*: add prompts$"),
        (of_prompts(2), None),
        (of_prompts(100, grouped=100, groups=1), "got 100 prompts, all of one group .*: add prompts of other groups$"),
        (of_prompts(100, grouped=99, groups=1), None),
        (of_prompts(100, grouped=100, groups=2), None),
    ],
)
def test_less_than_two_independent_prompts_show_nothing(split: str, size: PromptSizes, refused: str | None) -> None:
    sizes = {"held_out": of_prompts(100), "train": of_prompts(1), split: size}
    if refused is None:
        require_units(sizes)
    else:
        with pytest.raises(RunFailed, match=f"datasets.{split}: {refused}"):
            require_units(sizes)


def test_groups_of_prompts_are_a_warning_with_the_gain_that_they_may_ask_for() -> None:
    (warning,) = gate_power(Gate(samples_per_prompt=4), prompts=100, units=25, span=1.0).warnings
    assert "its 100 prompts make 25 independent ones" in warning
    assert warning.endswith(f"at least {smallest_gain(25, 0.275, confidence=0.95):.3f} above gate.min_gain")
    assert gate_power(Gate(samples_per_prompt=4), prompts=100, units=100, span=1.0).warnings == []
