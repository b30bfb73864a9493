"""LoRA adapters: the weights that training changes, and their file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np

from rft_local.trainer.model import MATRICES, Layer, LowRank, Model

Factors: TypeAlias = Mapping[str, tuple[jax.Array, jax.Array]]
"""Per matrix of `Layer`: the narrowing [layers, inputs, rank] and the widening [layers, rank, outputs]."""

_FORMAT = "rft-lora-1"


class AdapterError(ValueError):
    """The file is not an adapter that fits."""


@dataclass(frozen=True, eq=False)
class Adapter:
    """Low-rank corrections for the upper layers of a model (LoRA, https://arxiv.org/abs/2106.09685).

    Args:
        first_layer: The lowest corrected layer; all above it are corrected too.
        factors: The two factors of each matrix's correction, stacked over layers.
    """

    first_layer: int
    factors: Factors

    @classmethod
    def fresh(cls, model: Model, *, first_layer: int, rank: int, seed: int) -> "Adapter":
        """Return an adapter that changes nothing yet: random narrowing, zero widening, as in the paper.

        Args:
            model: What it will correct.
            first_layer: The lowest layer to correct, from 0.
            rank: Size of the bottleneck.
            seed: Of the random narrowing.
        """
        random = np.random.default_rng(seed)
        count = model.architecture.layers - first_layer
        factors = {}
        for name in MATRICES:
            inputs, outputs = getattr(model.layers[first_layer], name).shape
            narrow = random.standard_normal((count, inputs, rank), np.float32) * np.float32(inputs**-0.5)
            factors[name] = (jnp.asarray(narrow), jnp.zeros((count, rank, outputs), jnp.float32))
        return cls(first_layer, factors)

    @property
    def rank(self) -> int:
        """Size of the bottleneck."""
        return int(self.factors[MATRICES[0]][0].shape[-1])

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(factor.size for pair in self.factors.values() for factor in pair)

    def save(self, path: Path) -> None:
        """Write the adapter as a numpy `.npz` archive."""
        arrays = {"format": np.array(json.dumps({"format": _FORMAT, "first_layer": self.first_layer}))}
        for name, (narrow, widen) in self.factors.items():
            arrays[f"{name}.narrow"], arrays[f"{name}.widen"] = np.asarray(narrow), np.asarray(widen)
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path, model: Model) -> "Adapter":
        """Read an adapter for `model`.

        Raises:
            AdapterError: When the file is no adapter or belongs to a model of other sizes.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                header = json.loads(str(archive["format"]))
                first_layer = int(header["first_layer"])
                factors = {
                    name: (jnp.asarray(archive[f"{name}.narrow"]), jnp.asarray(archive[f"{name}.widen"]))
                    for name in MATRICES
                }
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise AdapterError(f"{path}: not an adapter written here ({error}); train again to make one") from error
        adapter = cls(first_layer, factors)
        adapter._check(path, model)
        return adapter

    def _check(self, path: Path, model: Model) -> None:
        count = model.architecture.layers - self.first_layer
        for name, (narrow, widen) in self.factors.items():
            inputs, outputs = getattr(model.layers[-1], name).shape
            got = (*narrow.shape[:2], *widen.shape[::2])
            if got != (count, inputs, count, outputs):
                raise AdapterError(
                    f"{path}: {name} corrects {got[0]} layers of {got[1]} x {got[3]}, "
                    f"the model has {count} layers of {inputs} x {outputs}; use the model it was trained on"
                )


def corrected(layer: Layer, factors: Factors) -> Layer:
    """Return `layer` with its matrices as `LowRank`, so that gradients reach the factors alone."""
    matrices = {name: LowRank(getattr(layer, name), *pair) for name, pair in factors.items()}
    return Layer(**{**layer._asdict(), **matrices})


@jax.jit
def _folded(layer: Layer, factors: Factors) -> Layer:
    matrices = {name: getattr(layer, name) + narrow @ widen for name, (narrow, widen) in factors.items()}
    return layer._replace(**matrices)


def fold(model: Model, adapter: Adapter) -> tuple[Layer, ...]:
    """Return the model's layers with the adapter multiplied into the weights: no extra work when sampling."""
    first = adapter.first_layer
    upper = (
        _folded(layer, {name: (narrow[index], widen[index]) for name, (narrow, widen) in adapter.factors.items()})
        for index, layer in enumerate(model.layers[first:])
    )
    return (*model.layers[:first], *upper)
