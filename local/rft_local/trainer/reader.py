"""Reading a growing token tree with the model: each node goes through the layers once."""

from collections.abc import Sequence
from copy import deepcopy

import jax
import jax.numpy as jnp
import numpy as np

from rft_local.trainer.gguf import FloatArray
from rft_local.trainer.model import Layer, Memory, Model, read_layer
from rft_local.trainer.shapes import padded, power_of_two
from rft_local.trainer.tree import TokenTree

CHUNK = 128
"""Most nodes carried through a layer at once: their attention scores then stay in the processor's cache."""

_SMALLEST_MEMORY = 256

_read_layer = jax.jit(read_layer, static_argnums=0, donate_argnums=5)


def compile_reading(model: Model, *, rows: int, capacity: int) -> None:
    """Compile what reads `rows` nodes into a memory of `capacity`.

    Args:
        model: One of the size to compile for.
        rows: A size that `shapes.padded` gives.
        capacity: 256 times a power of two.
    """
    sizes = model.architecture
    remembered = jnp.zeros((capacity, sizes.kv_heads, sizes.head_width), jnp.float32)
    _read_layer.lower(
        sizes,
        model.layers[0],
        jnp.zeros((rows, sizes.width), jnp.float32),
        jnp.zeros((rows,), jnp.int32),
        jnp.zeros((rows, capacity), jnp.bool_),
        Memory(remembered, remembered),
        0,
    ).compile()


class TreeReader:
    """Holds what the model remembers of one token tree.

    Layers are called one by one: a compiled layer serves all layers, and no layer's weights are copied out of a stack.

    Args:
        model: The embedding and the sizes.
        layers: The layers to read with; the model's own, or with an adapter folded in.
        frozen: Layers below which training changes nothing; the states that enter layer `frozen` are kept.
    """

    def __init__(self, model: Model, layers: Sequence[Layer], *, frozen: int) -> None:
        self.tree = TokenTree()
        self._model, self._layers, self._frozen = model, layers, frozen
        self._embedding = np.asarray(model.embedding)
        self._memories: list[Memory] = []
        self._capacity = 0
        width = model.architecture.width
        self._final = np.zeros((0, width), np.float32)
        self._entering = np.zeros((0, width), np.float32)

    @property
    def final(self) -> FloatArray:
        """The states that leave the last layer, one row a node."""
        return self._final

    @property
    def entering(self) -> FloatArray:
        """The states that enter the first trained layer, one row a node."""
        return self._entering

    def read(self) -> None:
        """Read the nodes added to the tree since the last call."""
        while len(self._final) < self.tree.size:
            start = len(self._final)
            self._read(start, min(self.tree.size, start + CHUNK))

    def branch(self) -> "TreeReader":
        """Return a reader that has read the same and grows on its own."""
        other = TreeReader(self._model, self._layers, frozen=self._frozen)
        other.tree = deepcopy(self.tree)
        # Copies, because reading gives its memories away to be overwritten.
        other._memories = [Memory(jnp.array(keys), jnp.array(values)) for keys, values in self._memories]
        other._capacity, other._final, other._entering = self._capacity, self._final, self._entering
        return other

    def _read(self, start: int, stop: int) -> None:
        count, rows = stop - start, padded(stop - start)
        self._reserve(start + rows)
        tokens, positions = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
        tokens[:count], positions[:count] = self.tree.tokens[start:stop], self.tree.depths[start:stop]
        visible = np.zeros((rows, self._capacity), np.bool_)
        visible[:count, :stop] = self.tree.lineage[start:stop, :stop]
        at, look = jnp.asarray(positions), jnp.asarray(visible)
        entering = x = jnp.asarray(self._embedding[tokens])
        for index, layer in enumerate(self._layers):
            if index == self._frozen:
                entering = x
            x, self._memories[index] = _read_layer(
                self._model.architecture, layer, x, at, look, self._memories[index], start
            )
        self._entering = np.concatenate([self._entering, np.asarray(entering)[:count]])
        self._final = np.concatenate([self._final, np.asarray(x)[:count]])

    def _reserve(self, nodes: int) -> None:
        capacity = power_of_two(nodes, _SMALLEST_MEMORY)
        if capacity <= self._capacity:
            return
        sizes = self._model.architecture
        more = np.zeros((capacity - self._capacity, sizes.kv_heads, sizes.head_width), np.float32)
        if self._memories:
            self._memories = [
                Memory(jnp.concatenate([keys, more]), jnp.concatenate([values, more]))
                for keys, values in self._memories
            ]
        else:
            self._memories = [Memory(jnp.array(more), jnp.array(more)) for _ in self._layers]
        self._capacity = capacity
