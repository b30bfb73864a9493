"""What a gate can show, and the gates that nobody can pass."""

import pytest

from rft_contract.outcomes import RunFailed
from rft_contract.recipe_sections import Gate
from rft_runtime.planning.gate_power import gate_power, require_reachable
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


@pytest.mark.parametrize("prompts", [0, 1])
def test_less_than_two_prompts_show_nothing(prompts: int) -> None:
    with pytest.raises(RunFailed, match=f"datasets.held_out: got {prompts} prompts"):
        gate_power(Gate(), prompts=prompts)
    with pytest.raises(RunFailed, match=f"datasets.guard-old: got {prompts} prompts"):
        gate_power(Gate(), prompts=100, guards={"guard-old": prompts})
    assert gate_power(Gate(), prompts=2, guards={"guard-old": 2}).prompts == 2
