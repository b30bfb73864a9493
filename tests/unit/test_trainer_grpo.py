"""The tree's gradient is the plain gradient: one forward pass a rollout, nothing shared, nothing left out."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rft_local.trainer import grpo
from rft_local.trainer.adapter import Adapter, Factors, corrected
from rft_local.trainer.grpo import Clip, GrpoGradient, edges, group_advantages
from rft_local.trainer.model import Memory, Model, logits, read_layer
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.sampling import Draw
from tests.unit.trainer_tiny import END, tiny_model

PROMPTS = [[5, 6, 7], [5, 6, 8, 9], [5, 6, 7, 10]]
COMPLETIONS = [
    [[20, 21, END], [20, 21, END], [20, 22], [23, END]],
    [[20, END], [20, END], [20, END], [20, END]],
    [[30, 31, 32, END], [30, 31, 33], [END], [30, END]],
]
REWARDS = [[1.0, 1.0, 0.0, 0.25], [0.5, 0.5, 0.5, 0.5], [0.0, 1.0, 0.0, 0.0]]
CLIP = Clip(0.2, 0.28)
TEMPERATURE = 0.7
MODEL = tiny_model()


def adapter_of(model: Model) -> Adapter:
    fresh = Adapter.fresh(model, first_layer=1, rank=4, seed=2)
    random = np.random.default_rng(5)
    factors = {
        name: (narrow, jnp.asarray(random.normal(0, 0.05, widen.shape).astype(np.float32)))
        for name, (narrow, widen) in fresh.factors.items()
    }
    return Adapter(1, factors)


@jax.jit
def sequence_log_probs(factors: Factors, tokens: jax.Array) -> jax.Array:
    """Return each token's log-probability after those before it, reading the whole sequence."""
    model, size = MODEL, len(tokens)
    x, positions, causal = model.embedding[tokens], jnp.arange(size), jnp.tril(jnp.ones((size, size), bool))
    sizes = model.architecture
    nothing = Memory(*jnp.zeros((2, size, sizes.kv_heads, sizes.head_width)))
    for layer in (model.layers[0], corrected(model.layers[1], {n: (a[0], b[0]) for n, (a, b) in factors.items()})):
        x, _ = read_layer(sizes, layer, x, positions, causal, nothing, 0)
    scores = logits(model.norm, model.embedding, sizes.epsilon, x) / TEMPERATURE
    chosen: jax.Array = jax.nn.log_softmax(scores)[jnp.arange(size - 1), tokens[1:]]
    return chosen


def log_probs(factors: Factors, prompt: list[int], completion: list[int]) -> jax.Array:
    """Return each completion token's log-probability."""
    chosen: jax.Array = sequence_log_probs(factors, jnp.array([*prompt, *completion]))
    return chosen[len(prompt) - 1 :]


def plain_loss(factors: Factors, old: list[list[jax.Array]], by_std: bool) -> jax.Array:
    """GRPO as the papers write it."""
    total, tokens = jnp.zeros(()), 0
    for prompt, group, rewards, old_group in zip(PROMPTS, COMPLETIONS, REWARDS, old, strict=True):
        mean, std = np.mean(rewards), np.std(rewards)
        for completion, reward, before in zip(group, rewards, old_group, strict=True):
            advantage = (reward - mean) / (std + 1e-4) if by_std else reward - mean
            ratio = jnp.exp(log_probs(factors, prompt, completion) - before)
            total += jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP.low, 1 + CLIP.high) * advantage).sum()
            tokens += len(completion)
    return -total / tokens


def planted(model: Model, old: list[list[jax.Array]]) -> tuple[TreeReader, list[Draw]]:
    """Put the prompts and completions into one tree, as the sampler would have."""
    reader = TreeReader(model, model.layers, frozen=1)
    draws = []
    for prompt, group, old_group in zip(PROMPTS, COMPLETIONS, old, strict=True):
        leaf = reader.tree.insert(prompt)
        for completion, before in zip(group, old_group, strict=True):
            nodes = [leaf]
            for token in completion[:-1]:
                nodes.append(reader.tree.child(nodes[-1], token))
            draws.append(Draw(completion, nodes, np.asarray(before).tolist(), [], completion[-1] == END))
    reader.read()
    return reader, draws


@pytest.mark.parametrize(
    ("by_std", "drift", "chunk"),
    [(True, 0.0, 1024), (False, 0.4, 1024), (True, 0.4, 8)],
    ids=["on-policy", "mean only, clipped", "clipped, several passes"],
)
def test_gradient_equals_the_plain_one(monkeypatch: pytest.MonkeyPatch, by_std: bool, drift: float, chunk: int) -> None:
    monkeypatch.setattr(grpo, "_CHUNK", chunk)
    adapter = adapter_of(MODEL)
    # One drift for each distinct token in its place: rollouts that agree were drawn with the same probability.
    old = [
        [
            log_probs(adapter.factors, prompt, completion)
            + jnp.array([drift * math.sin(sum(completion[: at + 1])) for at in range(len(completion))])
            for completion in group
        ]
        for prompt, group in zip(PROMPTS, COMPLETIONS, strict=True)
    ]
    expected = jax.grad(plain_loss)(dict(adapter.factors), old, by_std)
    reader, draws = planted(MODEL, old)
    advantages = [value for rewards in REWARDS for value in group_advantages(rewards, by_std=by_std)]
    lesson = edges(draws, advantages)
    total_tokens = sum(len(completion) for group in COMPLETIONS for completion in group)
    gradient = GrpoGradient(MODEL, first_layer=1)(
        adapter, reader, lesson, total_tokens=total_tokens, temperature=TEMPERATURE, clip=CLIP
    )
    assert len(lesson) < total_tokens
    for name, pair in expected.items():
        for found, wanted in zip(gradient.factors[name], pair, strict=True):
            assert np.abs(np.asarray(wanted)).max() > 1e-4
            np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-3, atol=2e-6)
    assert (gradient.log_prob_gap < 1e-5) == (drift == 0)


def test_groups_without_contrast_leave_no_edges() -> None:
    _, draws = planted(MODEL, [[jnp.zeros(len(c)) for c in group] for group in COMPLETIONS])
    assert edges(draws[4:8], group_advantages(REWARDS[1], by_std=True).tolist()) == []


def test_opposite_advantages_are_kept_apart() -> None:
    draws = [Draw([4], [0], [-1.0], [0.5], False), Draw([4], [0], [-1.0], [0.5], False)]
    (edge,) = edges(draws, [2.0, -3.0])
    assert (edge.up, edge.down) == (2.0, -3.0)


def test_equal_rewards_have_no_advantage_whatever_their_rounding() -> None:
    assert group_advantages([0.1] * 7, by_std=True).tolist() == [0.0] * 7


def test_advantages() -> None:
    np.testing.assert_allclose(group_advantages([0, 1, 0, 1], by_std=False), [-0.5, 0.5, -0.5, 0.5])
    np.testing.assert_allclose(group_advantages([0, 1, 0, 1], by_std=True), np.array([-1, 1, -1, 1]) * 0.5 / 0.5001)


def test_nothing_to_learn_gives_a_zero_gradient() -> None:
    adapter = adapter_of(MODEL)
    reader = TreeReader(MODEL, MODEL.layers, frozen=1)
    gradient = GrpoGradient(MODEL, first_layer=1)(
        adapter, reader, [], total_tokens=10, temperature=TEMPERATURE, clip=CLIP
    )
    assert gradient.log_prob_gap == 0.0
    assert all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(dict(gradient.factors)))
