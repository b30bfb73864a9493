"""The stand-in model: a Llama-style transformer in plain JAX, computed over the nodes of a token tree.

Architecture: SmolLM2 (https://arxiv.org/abs/2502.02737), that is Llama with grouped-query attention, rotary positions,
RMS norms, a SwiGLU MLP and an output head tied to the embedding.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rft_local.trainer.gguf import FloatArray, Gguf

_MASKED = -1e30


@dataclass(frozen=True)
class Architecture:
    """The sizes of a model.

    Args:
        layers: Transformer layers.
        width: Size of the residual stream.
        heads: Query heads.
        kv_heads: Key and value heads; each serves `heads / kv_heads` query heads.
        head_width: Size of one head.
        rope_base: Base of the rotary frequencies.
        epsilon: Added to the variance in RMS norms.
        context_tokens: Longest sequence the model was trained for.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    rope_base: float
    epsilon: float
    context_tokens: int


class LowRank(NamedTuple):
    """A frozen weight with a trained low-rank correction: `x @ weight + (x @ narrow) @ widen`."""

    weight: jax.Array
    narrow: jax.Array
    widen: jax.Array


Weight: TypeAlias = jax.Array | LowRank


class Layer(NamedTuple):
    """One transformer layer; matrices are [inputs, outputs]."""

    attention_norm: jax.Array
    query: Weight
    key: Weight
    value: Weight
    output: Weight
    mlp_norm: jax.Array
    gate: Weight
    up: Weight
    down: Weight


MATRICES = ("query", "key", "value", "output", "gate", "up", "down")
"""The fields of `Layer` that are linear maps."""


class Memory(NamedTuple):
    """Keys and values of the nodes read so far in one layer, each [nodes, kv_heads, head_width]."""

    keys: jax.Array
    values: jax.Array


@dataclass(frozen=True)
class Model:
    """Weights in float32.

    Args:
        architecture: The sizes.
        embedding: [vocabulary, width], also the output head.
        layers: From the input up.
        norm: The last RMS norm.
    """

    architecture: Architecture
    embedding: jax.Array
    layers: tuple[Layer, ...]
    norm: jax.Array

    @classmethod
    def from_gguf(cls, gguf: Gguf) -> "Model":
        """Dequantize the tensors of a Llama-architecture GGUF file.

        Raises:
            GgufError: When a tensor or a size is missing.
        """
        heads = gguf.integer("llama.attention.head_count")
        width = gguf.integer("llama.embedding_length")
        architecture = Architecture(
            layers=gguf.integer("llama.block_count"),
            width=width,
            heads=heads,
            kv_heads=gguf.integer("llama.attention.head_count_kv"),
            head_width=width // heads,
            rope_base=gguf.number("llama.rope.freq_base"),
            epsilon=gguf.number("llama.attention.layer_norm_rms_epsilon"),
            context_tokens=gguf.integer("llama.context_length"),
        )
        return cls(
            architecture=architecture,
            embedding=jnp.asarray(gguf.tensor("token_embd.weight")),
            layers=tuple(_layer(gguf, index) for index in range(architecture.layers)),
            norm=jnp.asarray(gguf.tensor("output_norm.weight")),
        )

    @classmethod
    def random(cls, architecture: Architecture, *, vocabulary: int, mlp_width: int, seed: int) -> "Model":
        """Return an untrained model: every matrix normal with variance 1 / inputs, the embedding 1 / width.

        Args:
            architecture: The sizes.
            vocabulary: Number of tokens.
            mlp_width: Inner size of the MLP.
            seed: Of the weights.
        """
        generator = np.random.default_rng(seed)
        width, kv_width = architecture.width, architecture.kv_heads * architecture.head_width
        query_width = architecture.heads * architecture.head_width

        def matrix(inputs: int, outputs: int) -> jax.Array:
            return jnp.asarray(generator.standard_normal((inputs, outputs), np.float32) * np.float32(inputs**-0.5))

        layers = tuple(
            Layer(
                attention_norm=jnp.ones(width),
                query=matrix(width, query_width),
                key=matrix(width, kv_width),
                value=matrix(width, kv_width),
                output=matrix(query_width, width),
                mlp_norm=jnp.ones(width),
                gate=matrix(width, mlp_width),
                up=matrix(width, mlp_width),
                down=matrix(mlp_width, width),
            )
            for _ in range(architecture.layers)
        )
        return cls(architecture, matrix(width, vocabulary).T, layers, jnp.ones(width))


def _layer(gguf: Gguf, index: int) -> Layer:
    def matrix(name: str) -> jax.Array:
        return jnp.asarray(np.ascontiguousarray(tensor(name).T))

    def tensor(name: str) -> FloatArray:
        return gguf.tensor(f"blk.{index}.{name}.weight")

    return Layer(
        attention_norm=jnp.asarray(tensor("attn_norm")),
        query=matrix("attn_q"),
        key=matrix("attn_k"),
        value=matrix("attn_v"),
        output=matrix("attn_output"),
        mlp_norm=jnp.asarray(tensor("ffn_norm")),
        gate=matrix("ffn_gate"),
        up=matrix("ffn_up"),
        down=matrix("ffn_down"),
    )


def rms_norm(x: jax.Array, weight: jax.Array, epsilon: float) -> jax.Array:
    """Scale `x` to unit mean square over its last axis, then by `weight`."""
    return x * lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight


def linear(x: jax.Array, weight: Weight) -> jax.Array:
    """Apply a linear map, with its low-rank correction where it has one."""
    if isinstance(weight, LowRank):
        return x @ weight.weight + (x @ weight.narrow) @ weight.widen
    return x @ weight


def rotate(x: jax.Array, positions: jax.Array, base: float) -> jax.Array:
    """Rotary positions on [nodes, heads, head_width].

    Neighbouring entries form the rotated pairs: llama.cpp stores Llama's query and key weights in that order.
    """
    size = x.shape[-1]
    angles = positions[:, None] * base ** (-jnp.arange(0, size, 2) / size)
    cosine, sine = jnp.cos(angles)[:, None], jnp.sin(angles)[:, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], axis=-1).reshape(x.shape)


def attend(query: jax.Array, memory: Memory, visible: jax.Array) -> jax.Array:
    """Mix remembered values by softmax attention.

    One plain matrix product a key-value head, and the division after the mixing instead of before it: XLA's processor
    backend takes half the time that a batched product with a softmax between takes.

    Args:
        query: Scaled queries, [nodes, kv_heads, heads a kv head, head_width].
        memory: Keys and values of `remembered` nodes.
        visible: Which of them each node may look at, [nodes, remembered].

    Returns:
        As `query`.
    """
    nodes, kv_heads, per_kv, width = query.shape
    mixed = []
    for head in range(kv_heads):
        scores = (query[:, head].reshape(-1, width) @ memory.keys[:, head].T).reshape(nodes, per_kv, -1)
        scores = jnp.where(visible[:, None], scores, _MASKED)
        weights = jnp.exp(scores - lax.stop_gradient(scores.max(axis=-1, keepdims=True)))
        sums = (weights.reshape(nodes * per_kv, -1) @ memory.values[:, head]).reshape(nodes, per_kv, width)
        mixed.append(sums / weights.sum(axis=-1, keepdims=True))
    return jnp.stack(mixed, axis=1)


def read_layer(
    architecture: Architecture,
    layer: Layer,
    x: jax.Array,
    positions: jax.Array,
    visible: jax.Array,
    memory: Memory,
    offset: jax.Array | int,
) -> tuple[jax.Array, Memory]:
    """Carry new nodes through one layer.

    Args:
        architecture: The sizes.
        layer: Its weights.
        x: Residual stream of the new nodes, [nodes, width].
        positions: Their depths, [nodes].
        visible: Which remembered nodes each may look at, itself included, [nodes, capacity].
        memory: Earlier nodes' keys and values; the new ones are written from row `offset` on.
        offset: Number of nodes in the memory.

    Returns:
        The new residual stream and the memory with the new nodes.
    """
    sizes = architecture
    nodes, per_kv = x.shape[0], sizes.heads // sizes.kv_heads
    normed = rms_norm(x, layer.attention_norm, sizes.epsilon)
    query = linear(normed, layer.query).reshape(nodes, sizes.heads, sizes.head_width)
    key = linear(normed, layer.key).reshape(nodes, sizes.kv_heads, sizes.head_width)
    value = linear(normed, layer.value).reshape(nodes, sizes.kv_heads, sizes.head_width)
    query = rotate(query, positions, sizes.rope_base).reshape(nodes, sizes.kv_heads, per_kv, sizes.head_width)
    key = rotate(key, positions, sizes.rope_base)
    memory = Memory(
        lax.dynamic_update_slice(memory.keys, key, (offset, 0, 0)),
        lax.dynamic_update_slice(memory.values, value, (offset, 0, 0)),
    )
    mixed = attend(query * sizes.head_width**-0.5, memory, visible)
    x = x + linear(mixed.reshape(nodes, sizes.heads * sizes.head_width), layer.output)
    normed = rms_norm(x, layer.mlp_norm, sizes.epsilon)
    return x + linear(jax.nn.silu(linear(normed, layer.gate)) * linear(normed, layer.up), layer.down), memory


def logits(model_norm: jax.Array, embedding: jax.Array, epsilon: float, x: jax.Array) -> jax.Array:
    """Return the next-token logits of residual streams [nodes, width]."""
    return rms_norm(x, model_norm, epsilon) @ embedding.T
