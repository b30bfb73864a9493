"""What prompts begin with is read once and kept; answers do not depend on it."""

import pytest

from rft_local.trainer import stand_in as module
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.stand_in import Message, StandIn
from tests.unit.trainer_tiny import tiny_stand_in

SYSTEM = "Sort the message into one of six boxes and answer with a word. " * 2
PROMPTS: list[list[Message]] = [
    [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    for text in ("my parcel is late", "the app fails", "a refund please", "hello")
]


def answers(model: StandIn, prompts: list[list[Message]], temperature: float = 0.0) -> list[list[str]]:
    found = model.generate(prompts, adapter=None, samples=2, max_tokens=4, temperature=temperature, top_p=1.0, seed=3)
    return [[completion.text for completion in group] for group in found]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record how many nodes each later read carries through the layers."""
    carried: list[int] = []
    real = TreeReader._read

    def read(self: TreeReader, start: int, stop: int) -> None:
        carried.append(stop - start)
        real(self, start, stop)

    monkeypatch.setattr(TreeReader, "_read", read)
    return carried


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_second_call_answers_as_a_fresh_model_does(temperature: float) -> None:
    kept = tiny_stand_in()
    answers(kept, PROMPTS[:2], temperature)
    assert answers(kept, PROMPTS, temperature) == answers(tiny_stand_in(), PROMPTS, temperature)


def test_a_second_call_does_not_read_the_shared_part_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_stand_in()
    carried = count_reads(monkeypatch)
    answers(model, PROMPTS[:2])
    first = sum(carried)
    carried.clear()
    answers(model, PROMPTS[2:])
    assert sum(carried) < first - len(SYSTEM)


def test_a_single_prompt_uses_what_is_kept_and_does_not_replace_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_stand_in()
    answers(model, PROMPTS)
    carried = count_reads(monkeypatch)
    answers(model, PROMPTS[:1])
    answers(model, PROMPTS[1:2])
    assert sum(carried) < 2 * len(SYSTEM)


def test_other_prompts_are_answered_as_if_nothing_were_kept() -> None:
    other: list[list[Message]] = [[{"role": "user", "content": f"sum {n} and {n}"}] for n in range(3)]
    model = tiny_stand_in()
    answers(model, PROMPTS)
    assert answers(model, other) == answers(tiny_stand_in(), other)


@pytest.mark.parametrize(
    ("sequences", "shared"),
    [
        ([], 0),
        ([[1, 2, 3]], 2),
        ([[1, 2, 3], [1, 2, 4]], 2),
        ([[1, 2], [1, 2, 3]], 1),
        ([[5], [6]], 0),
        ([[1, 9], [2, 9]], 0),
    ],
)
def test_the_shared_part_leaves_a_token_to_read(sequences: list[list[int]], shared: int) -> None:
    assert module._shared_tokens(sequences) == shared
