"""Adam against its definition, one number at a time."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from rft_local.trainer import adam


def test_steps_follow_the_definition() -> None:
    value, m, v = 2.0, 0.0, 0.0
    factors = {"query": (jnp.array([value]), jnp.array([0.0]))}
    moments = adam.start(factors)
    for count, gradient in enumerate([0.3, -0.1, 0.2], start=1):
        given = {"query": (jnp.array([gradient]), jnp.array([0.0]))}
        new, moments, norm = adam.step(factors, moments, given, 0.01, 1.0)
        factors = dict(new)
        m, v = 0.9 * m + 0.1 * gradient, 0.95 * v + 0.05 * gradient**2
        value -= 0.01 * (m / (1 - 0.9**count)) / (math.sqrt(v / (1 - 0.95**count)) + 1e-8)
        assert float(norm) == pytest.approx(abs(gradient))
        assert float(factors["query"][0][0]) == pytest.approx(value, rel=1e-6)
        assert float(factors["query"][1][0]) == 0.0


def test_long_gradients_are_scaled_as_a_whole() -> None:
    factors = {"query": (jnp.zeros(2), jnp.zeros(1))}
    _, moments, norm = adam.step(
        factors, adam.start(factors), {"query": (jnp.array([3.0, 0.0]), jnp.array([4.0]))}, 0.01, 1.0
    )
    assert float(norm) == pytest.approx(5.0)
    narrow, widen = moments.first["query"]
    np.testing.assert_allclose([*np.asarray(narrow), *np.asarray(widen)], [0.06, 0.0, 0.08], rtol=1e-6)
