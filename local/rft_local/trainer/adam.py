"""Adam (https://arxiv.org/abs/1412.6980) with the gradient's norm clipped."""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from rft_local.trainer.adapter import Factors

_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.95
_EPSILON = 1e-8


class Moments(NamedTuple):
    """Running means of the gradient and its square, and how many steps they have seen."""

    first: Factors
    second: Factors
    steps: jax.Array


Step: TypeAlias = tuple[Factors, Moments, jax.Array]


def start(factors: Factors) -> Moments:
    """Return the moments before the first step."""
    zeros = jax.tree.map(jnp.zeros_like, dict(factors))
    return Moments(zeros, zeros, jnp.zeros((), jnp.int32))


@jax.jit
def step(factors: Factors, moments: Moments, gradient: Factors, rate: float, max_norm: float) -> Step:
    """Move `factors` one step against `gradient`.

    Args:
        factors: The trained values.
        moments: From the last step, or `start`.
        gradient: One array for each of `factors`.
        rate: Learning rate.
        max_norm: Longer gradients are scaled down to this length.

    Returns:
        New factors, new moments, the gradient's length before clipping.
    """
    norm = jnp.sqrt(sum((leaf * leaf).sum() for leaf in jax.tree.leaves(gradient)))
    scale = jnp.minimum(1.0, max_norm / jnp.maximum(norm, _EPSILON))
    steps = moments.steps + 1
    first = jax.tree.map(lambda m, g: _FIRST_DECAY * m + (1 - _FIRST_DECAY) * scale * g, moments.first, gradient)
    second = jax.tree.map(
        lambda v, g: _SECOND_DECAY * v + (1 - _SECOND_DECAY) * jnp.square(scale * g), moments.second, gradient
    )
    first_bias, second_bias = 1 - _FIRST_DECAY**steps, 1 - _SECOND_DECAY**steps

    def moved(value: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        return value - rate * (m / first_bias) / (jnp.sqrt(v / second_bias) + _EPSILON)

    return jax.tree.map(moved, factors, first, second), Moments(first, second, steps), norm
