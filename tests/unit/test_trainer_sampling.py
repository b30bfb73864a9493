"""Draws follow the model's distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rft_local.trainer.gguf import FloatArray
from rft_local.trainer.model import logits
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.sampling import Decoding, Draw, NextToken, sample
from tests.unit.trainer_tiny import END, tiny_model

MODEL = tiny_model()
STATES: FloatArray = np.random.default_rng(1).standard_normal((3, 32), np.float32) * 3
UNIFORMS = (np.arange(4000) + 0.5) / 4000


def probabilities(temperature: float) -> FloatArray:
    scores = logits(MODEL.norm, MODEL.embedding, MODEL.architecture.epsilon, jnp.asarray(STATES))
    return np.asarray(jax.nn.softmax(scores / temperature), np.float32)


def shares(following: NextToken, row: int) -> FloatArray:
    """Return how often each token comes out when luck is spread evenly."""
    drawn = [following.draw(row, uniform) for uniform in UNIFORMS]
    return np.asarray(np.bincount(drawn, minlength=len(MODEL.embedding)) / len(UNIFORMS), np.float32)


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_even_luck_gives_each_token_its_probability(temperature: float) -> None:
    following = NextToken(MODEL, STATES, Decoding(max_tokens=1, temperature=temperature))
    for row, expected in enumerate(probabilities(temperature)):
        np.testing.assert_allclose(shares(following, row), expected, atol=1.1 / len(UNIFORMS))
        entropy = -(expected * np.log(expected)).sum()
        assert following.entropy[row] == pytest.approx(entropy, rel=1e-4)
        assert following.log_prob(row, 17) == pytest.approx(np.log(expected[17]), abs=1e-4)


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9])
def test_the_nucleus_is_the_smallest_likeliest_set(top_p: float) -> None:
    following = NextToken(MODEL, STATES, Decoding(max_tokens=1, top_p=top_p))
    for row, full in enumerate(probabilities(1.0)):
        order = np.argsort(-full)
        kept = order[: int(np.searchsorted(np.cumsum(full[order]), top_p)) + 1]
        expected = np.zeros_like(full)
        expected[kept] = full[kept] / full[kept].sum()
        np.testing.assert_allclose(shares(following, row), expected, atol=1.1 / len(UNIFORMS))


def test_luck_just_below_one_stays_in_the_vocabulary() -> None:
    following = NextToken(MODEL, STATES, Decoding(max_tokens=1, temperature=0.05))
    for row, expected in enumerate(probabilities(0.05)):
        assert expected[following.draw(row, np.nextafter(1.0, 0.0))] > 0


def test_greedy_takes_the_likeliest() -> None:
    following = NextToken(MODEL, STATES, Decoding(max_tokens=1, temperature=0))
    assert [following.draw(row, 0.99) for row in range(3)] == probabilities(1.0).argmax(-1).tolist()


def drawn(prompts: list[list[int]], samples: int, max_tokens: int, ends: set[int]) -> list[Draw]:
    reader = TreeReader(MODEL, MODEL.layers, frozen=0)
    leaves = [leaf for prompt in prompts for leaf in [reader.tree.insert(prompt)] * samples]
    luck = np.stack(
        [np.random.default_rng([sum(prompts[i // samples]), i]).random(max_tokens) for i in range(len(leaves))]
    )
    return sample(MODEL, reader, leaves, luck=luck, decoding=Decoding(max_tokens=max_tokens), ends=ends)


def test_each_token_is_drawn_after_its_own_prefix() -> None:
    """Checked by reading each finished completion again from the start."""
    prompts = [[5, 6, 7], [5, 6, 8]]
    draws = drawn(prompts, 4, 6, {END, *range(60)})
    assert {draw.ended for draw in draws} == {True, False}
    for index, draw in enumerate(draws):
        assert len(draw.tokens) == 6 or draw.ended
        assert not any(token in {END, *range(60)} for token in draw.tokens[:-1])
        again = TreeReader(MODEL, MODEL.layers, frozen=0)
        again.tree.insert([*prompts[index // 4], *draw.tokens])
        again.read()
        following = NextToken(MODEL, again.final[2:-1], Decoding(max_tokens=6))
        expected = [following.log_prob(row, token) for row, token in enumerate(draw.tokens)]
        np.testing.assert_allclose(draw.log_probs, expected, atol=1e-4)
        np.testing.assert_allclose(draw.entropies, following.entropy[: len(draw.tokens)], atol=1e-4)


def test_equal_luck_gives_equal_completions_and_shared_nodes() -> None:
    reader = TreeReader(MODEL, MODEL.layers, frozen=0)
    leaf = reader.tree.insert([5, 6, 7])
    luck = np.tile(np.random.default_rng(0).random(5), (4, 1))
    draws = sample(MODEL, reader, [leaf] * 4, luck=luck, decoding=Decoding(max_tokens=5), ends={END})
    assert all(draw == draws[0] for draw in draws)
    assert reader.tree.size == 3 + 4


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1, "temperature": -0.1}, "temperature"),
        ({"max_tokens": 1, "temperature": float("nan")}, "temperature"),
        ({"max_tokens": 1, "top_p": 0.0}, "top_p"),
        ({"max_tokens": 1, "top_p": 1.5}, "top_p"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: got"):
        Decoding(**values)  # type: ignore[arg-type]  # what a caller without types would pass
