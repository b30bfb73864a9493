"""Adapter files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rft_local.trainer.adapter import Adapter, AdapterError
from rft_local.trainer.model import Model
from tests.unit.trainer_tiny import ARCHITECTURE, tiny_model


def test_a_saved_adapter_comes_back_unchanged(tmp_path: Path) -> None:
    model = tiny_model()
    adapter = Adapter.fresh(model, first_layer=1, rank=4, seed=1)
    adapter.save(tmp_path / "a.npz")
    loaded = Adapter.load(tmp_path / "a.npz", model)
    assert (loaded.first_layer, loaded.rank, loaded.parameters) == (1, 4, adapter.parameters)
    for name, (narrow, widen) in adapter.factors.items():
        np.testing.assert_array_equal(np.asarray(loaded.factors[name][0]), np.asarray(narrow))
        np.testing.assert_array_equal(np.asarray(loaded.factors[name][1]), np.asarray(widen))


def test_parameters_are_counted() -> None:
    adapter = Adapter.fresh(tiny_model(), first_layer=1, rank=4, seed=1)
    ins_and_outs = {(32, 32): 2, (32, 16): 2, (32, 64): 2, (64, 32): 1}
    assert adapter.parameters == sum(4 * (i + o) * count for (i, o), count in ins_and_outs.items())


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(AdapterError, match=r"a\.npz: not an adapter") as caught:
        Adapter.load(path, tiny_model())
    assert "\n" not in str(caught.value)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    wider = Model.random(replace(ARCHITECTURE, width=48), vocabulary=16, mlp_width=64, seed=0)
    Adapter.fresh(wider, first_layer=1, rank=4, seed=1).save(tmp_path / "a.npz")
    with pytest.raises(AdapterError, match="use the model it was trained on"):
        Adapter.load(tmp_path / "a.npz", tiny_model())
