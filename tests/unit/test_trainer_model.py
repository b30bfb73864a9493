"""Reading a tree gives what reading each sequence alone gives, written out here in float64 without any sharing."""

import jax
import numpy as np
import numpy.typing as npt

from rft_local.trainer.adapter import Adapter, fold
from rft_local.trainer.model import Layer, Model
from rft_local.trainer.reader import TreeReader
from tests.unit.trainer_tiny import ARCHITECTURE, tiny_model

Array = npt.NDArray[np.float64]


def double(value: object) -> Array:
    assert isinstance(value, jax.Array)
    return np.asarray(value, np.float64)


def rms(x: Array, weight: Array) -> Array:
    scaled: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + ARCHITECTURE.epsilon) * weight
    return scaled


def turned(x: Array, position: int) -> Array:
    """Rotary position of one head as complex multiplication."""
    pairs = x[0::2] + 1j * x[1::2]
    exponents = np.arange(0, len(x), 2) / len(x)
    pairs = pairs * np.exp(1j * position * ARCHITECTURE.rope_base**-exponents)
    return np.stack([pairs.real, pairs.imag], -1).reshape(-1)


def states(model: Model, layers: tuple[Layer, ...], tokens: list[int]) -> Array:
    """Return the state after the last layer at the last token."""
    x = double(model.embedding)[tokens]
    size, share = ARCHITECTURE.head_width, ARCHITECTURE.heads // ARCHITECTURE.kv_heads
    for layer in layers:
        h = rms(x, double(layer.attention_norm))
        query, key, value = (h @ double(matrix) for matrix in (layer.query, layer.key, layer.value))
        mixed = np.zeros((len(tokens), ARCHITECTURE.heads * size))
        for head in range(ARCHITECTURE.heads):
            own = slice(head * size, (head + 1) * size)
            shared = slice(head // share * size, (head // share + 1) * size)
            for at in range(len(tokens)):
                q = turned(query[at, own], at)
                scores = np.array([turned(key[j, shared], j) @ q for j in range(at + 1)]) / np.sqrt(size)
                weights = np.exp(scores - scores.max())
                mixed[at, own] = weights / weights.sum() @ value[: at + 1, shared]
        x = x + mixed @ double(layer.output)
        h = rms(x, double(layer.mlp_norm))
        gate = h @ double(layer.gate)
        x = x + (gate / (1 + np.exp(-gate)) * (h @ double(layer.up))) @ double(layer.down)
    last: Array = x[-1]
    return last


def grown_adapter(model: Model) -> Adapter:
    """Return an adapter that changes something."""
    fresh = Adapter.fresh(model, first_layer=1, rank=4, seed=3)
    return Adapter(1, {name: (narrow, widen + 0.1) for name, (narrow, widen) in fresh.factors.items()})


def test_a_tree_read_in_pieces_agrees_with_each_sequence_alone() -> None:
    model = tiny_model()
    layers = fold(model, grown_adapter(model))
    reader = TreeReader(model, layers, frozen=1)
    sequences = [[9, 8, 7, 6], [9, 8, 5], [4], [9, 8, 7, 6, 3, 3]]
    leaves = []
    for sequence in sequences:
        leaves.append(reader.tree.insert(sequence))
        reader.read()
    for leaf, sequence in zip(leaves, sequences, strict=True):
        np.testing.assert_allclose(reader.final[leaf], states(model, layers, sequence), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(reader.entering[leaf], states(model, layers[:1], sequence), rtol=1e-4, atol=1e-5)


def test_a_tree_larger_than_one_piece_and_than_its_memory() -> None:
    model = tiny_model()
    reader = TreeReader(model, model.layers, frozen=0)
    tokens = np.random.default_rng(0).integers(0, 200, 300).tolist()
    leaf = reader.tree.insert(tokens[:250])
    reader.read()
    leaf = reader.tree.insert(tokens)
    reader.read()
    alone = TreeReader(model, model.layers, frozen=0)
    alone.tree.insert(tokens)
    alone.read()
    np.testing.assert_allclose(reader.final[leaf], alone.final[-1], rtol=1e-4, atol=1e-5)


def test_a_fresh_adapter_changes_nothing_and_a_grown_one_does() -> None:
    model = tiny_model()
    same = fold(model, Adapter.fresh(model, first_layer=1, rank=4, seed=3))
    np.testing.assert_array_equal(double(same[1].query), double(model.layers[1].query))
    other = fold(model, grown_adapter(model))
    assert np.abs(double(other[1].query) - double(model.layers[1].query)).max() > 0.01
    assert other[0] is model.layers[0]
