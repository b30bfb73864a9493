"""Group relative policy optimisation (GRPO, https://arxiv.org/abs/2402.03300) on a token tree.

The objective is a sum over sampled tokens of min(ratio * advantage, clipped ratio * advantage), divided by the number
of sampled tokens. Three things make it cheap here without changing its gradient:

* Tokens drawn after the same node have the same ratio, so equal beginnings of a group's rollouts are computed once and
  their advantages added. Positive and negative ones are added apart, because clipping treats them differently.
* Tokens whose advantages are all zero (a group with equal rewards) are left out; the divisor still counts them.
* Layers below the trained ones are not run again: the sampler kept the states that leave them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from rft_local.trainer.adapter import Adapter, Factors, corrected
from rft_local.trainer.gguf import FloatArray
from rft_local.trainer.model import Architecture, Layer, Memory, Model, read_layer, rms_norm
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.sampling import Draw
from rft_local.trainer.shapes import padded, power_of_two

_CHUNK = 1024
"""Nodes of one backward pass, unless a single prompt with its rollouts needs more; bounds memory."""

_SMALLEST_READS = 64
_STD_FLOOR = 1e-4


def group_advantages(rewards: Sequence[float], *, by_std: bool) -> FloatArray:
    """Return each rollout's reward against its group's mean.

    Args:
        rewards: The rewards of one group.
        by_std: Whether to divide by the group's standard deviation, as the GRPO paper does; Dr. GRPO
            (https://arxiv.org/abs/2503.20783) does not.
    """
    values = np.asarray(rewards, np.float64)
    if np.ptp(values) == 0:  # Exactly zero: rounding in the mean must not turn a group without contrast into a lesson.
        return np.zeros(len(values), np.float32)
    centred = values - values.mean()
    return np.asarray(centred / (values.std() + _STD_FLOOR) if by_std else centred, np.float32)


class Edge(NamedTuple):
    """One token drawn after one node, whatever number of rollouts drew it.

    Attributes:
        node: The node it was drawn after.
        token: The token.
        log_prob: Its log-probability when it was drawn.
        up: Sum of the positive advantages of the rollouts that drew it.
        down: Sum of the negative ones.
    """

    node: int
    token: int
    log_prob: float
    up: float
    down: float


def edges(draws: Sequence[Draw], advantages: Sequence[float]) -> list[Edge]:
    """Return the distinct tokens that carry an advantage, in the order they were first drawn."""
    merged: dict[tuple[int, int], Edge] = {}
    for draw, advantage in zip(draws, advantages, strict=True):
        if advantage == 0:
            continue
        for node, token, log_prob in zip(draw.nodes, draw.tokens, draw.log_probs, strict=True):
            edge = merged.get((node, token), Edge(node, token, log_prob, 0.0, 0.0))
            merged[node, token] = edge._replace(up=edge.up + max(advantage, 0.0), down=edge.down + min(advantage, 0.0))
    return list(merged.values())


class Clip(NamedTuple):
    """How far the policy may move from the one that sampled, as ratios of probabilities."""

    low: float
    high: float


@dataclass(frozen=True)
class Gradient:
    """The gradient of the loss by the adapter's factors.

    Args:
        factors: One array for each of the adapter's.
        log_prob_gap: Mean distance between a token's log-probability in the sampler and in the update, nats.
            0.0 when no token carried an advantage, so that nothing was computed twice.
    """

    factors: Factors
    log_prob_gap: float


class _Batch(NamedTuple):
    """The arrays of one backward pass; rows past the real ones are padding with zero advantage."""

    states: FloatArray
    positions: npt.NDArray[np.int32]
    visible: npt.NDArray[np.bool_]
    reads: npt.NDArray[np.int32]
    edge_read: npt.NDArray[np.int32]
    edge_token: npt.NDArray[np.int32]
    edge_log_prob: FloatArray
    edge_real: npt.NDArray[np.bool_]
    up: FloatArray
    down: FloatArray


class GrpoGradient:
    """Computes policy gradients for one model.

    Args:
        model: The frozen weights.
        first_layer: The lowest trained layer.
    """

    def __init__(self, model: Model, *, first_layer: int) -> None:
        self._model = model
        trained = model.layers[first_layer:]
        self._layers: Layer = jax.tree.map(lambda *leaves: jnp.stack(leaves), *trained)

    def __call__(
        self,
        adapter: Adapter,
        reader: TreeReader,
        edges: Sequence[Edge],
        *,
        total_tokens: int,
        temperature: float,
        clip: Clip,
    ) -> Gradient:
        """Return the gradient of the negative objective.

        Args:
            adapter: Where the gradient is taken.
            reader: Holds the tree the edges belong to.
            edges: The tokens to learn from.
            total_tokens: The divisor: all sampled tokens of the step.
            temperature: Divides the logits, as it did in sampling.
            clip: Bounds of the probability ratio.
        """
        factors = jax.tree.map(jnp.zeros_like, dict(adapter.factors))
        distance = 0.0
        for chunk in _chunks(reader, edges):
            found, chunk_distance = _gradient(
                adapter.factors,
                self._model.architecture,
                self._layers,
                self._model.norm,
                self._model.embedding,
                _batch(reader, chunk),
                float(total_tokens),
                temperature,
                clip,
            )
            factors = jax.tree.map(jnp.add, factors, found)
            distance += float(chunk_distance)
        return Gradient(factors, distance / max(1, len(edges)))

    def compile(self, adapter: Adapter, *, nodes: int, reads: int) -> None:
        """Compile a backward pass.

        Args:
            adapter: One of the size to compile for.
            nodes: A size that `shapes.padded` gives.
            reads: 64 times a power of two.
        """
        edges = 2 * reads
        batch = _Batch(
            states=np.zeros((nodes, self._model.architecture.width), np.float32),
            positions=np.zeros(nodes, np.int32),
            visible=np.zeros((nodes, nodes), np.bool_),
            reads=np.zeros(reads, np.int32),
            edge_read=np.zeros(edges, np.int32),
            edge_token=np.zeros(edges, np.int32),
            edge_log_prob=np.zeros(edges, np.float32),
            edge_real=np.zeros(edges, np.bool_),
            up=np.zeros(edges, np.float32),
            down=np.zeros(edges, np.float32),
        )
        model = self._model
        _gradient.lower(
            adapter.factors,
            model.architecture,
            self._layers,
            model.norm,
            model.embedding,
            batch,
            1.0,
            1.0,
            Clip(0.2, 0.2),
        ).compile()


def _chunks(reader: TreeReader, edges: Sequence[Edge]) -> list[list[Edge]]:
    """Split edges so that the nodes on their paths fit one backward pass."""
    lineage = reader.tree.lineage
    chunks: list[list[Edge]] = []
    covered = np.zeros(reader.tree.size, np.bool_)
    for edge in edges:
        grown = covered | lineage[edge.node]
        if not chunks or int(grown.sum()) > _CHUNK:
            chunks.append([])
            grown = lineage[edge.node]
        chunks[-1].append(edge)
        covered = grown
    return chunks


def _batch(reader: TreeReader, edges: Sequence[Edge]) -> _Batch:
    tree = reader.tree
    reads, edge_read = np.unique([edge.node for edge in edges], return_inverse=True)
    nodes = tree.spanned(reads.tolist())
    size = padded(len(nodes))

    def fill(values: npt.ArrayLike, rows: int, dtype: type) -> npt.NDArray[Any]:
        given: npt.NDArray[Any] = np.asarray(values, dtype)
        return np.pad(given, [(0, rows - len(given)), *[(0, 0)] * (given.ndim - 1)])

    visible = np.zeros((size, size), np.bool_)
    visible[: len(nodes), : len(nodes)] = tree.lineage[np.ix_(nodes, nodes)]
    read_rows = power_of_two(max(len(reads), len(edges) // 2 + len(edges) % 2), _SMALLEST_READS)
    edge_rows = 2 * read_rows
    return _Batch(
        states=fill(reader.entering[nodes], size, np.float32),
        positions=fill(tree.depths[nodes], size, np.int32),
        visible=visible,
        reads=fill(np.searchsorted(nodes, reads), read_rows, np.int32),
        edge_read=fill(edge_read, edge_rows, np.int32),
        edge_token=fill([edge.token for edge in edges], edge_rows, np.int32),
        edge_log_prob=fill([edge.log_prob for edge in edges], edge_rows, np.float32),
        edge_real=fill(np.ones(len(edges)), edge_rows, np.bool_),
        up=fill([edge.up for edge in edges], edge_rows, np.float32),
        down=fill([edge.down for edge in edges], edge_rows, np.float32),
    )


def _loss(
    factors: Factors,
    architecture: Architecture,
    layers: Layer,
    norm: jax.Array,
    embedding: jax.Array,
    batch: _Batch,
    total_tokens: jax.Array,
    temperature: jax.Array,
    clip: Clip,
) -> tuple[jax.Array, jax.Array]:
    """Return the loss and the sum of the distances between the sampler's log-probabilities and these."""
    positions, visible = jnp.asarray(batch.positions), jnp.asarray(batch.visible)
    nothing = jnp.zeros((len(batch.states), architecture.kv_heads, architecture.head_width))

    def through(x: jax.Array, stacked: tuple[Layer, Factors]) -> tuple[jax.Array, None]:
        layer = corrected(*stacked)
        memory = Memory(nothing, nothing)
        x, _ = read_layer(architecture, layer, x, positions, visible, memory, 0)
        return x, None

    states, _ = lax.scan(through, jnp.asarray(batch.states), (layers, factors))
    read = rms_norm(states[batch.reads], norm, architecture.epsilon) / temperature
    normaliser = jax.nn.logsumexp(read @ embedding.T, axis=-1)[batch.edge_read]
    log_probs = (read[batch.edge_read] * embedding[batch.edge_token]).sum(axis=-1) - normaliser
    gaps = jnp.where(batch.edge_real, log_probs - batch.edge_log_prob, 0.0)
    ratio = jnp.exp(gaps)
    clipped = jnp.clip(ratio, 1 - clip.low, 1 + clip.high)
    gain = jnp.minimum(ratio * batch.up, clipped * batch.up) + jnp.minimum(ratio * batch.down, clipped * batch.down)
    return -gain.sum() / total_tokens, jnp.abs(gaps).sum()


_gradient = jax.jit(jax.grad(_loss, has_aux=True), static_argnums=1)
