"""Compiling ahead what training and answering will need."""

from collections.abc import Callable, Iterator
from functools import partial

from rft_local.trainer import adam
from rft_local.trainer.adapter import Adapter, fold
from rft_local.trainer.grpo import GrpoGradient
from rft_local.trainer.hyperparameters import TrainingPlan
from rft_local.trainer.reader import CHUNK, compile_reading
from rft_local.trainer.sampling import compile_choosing
from rft_local.trainer.shapes import paddings
from rft_local.trainer.stand_in import StandIn

_CAPACITIES = (256, 512, 1024, 2048)
_LESSON_NODES = (256, 384, 512, 768)
_LESSON_READS = (64, 128)


def warm_up(stand_in: StandIn, *, progress: Callable[[int, int], None]) -> None:
    """Compile the programs of usual sizes, so that the first run finds them in the cache.

    No program depends on a dataset: sizes are rounded up to few (see `shapes.py`). These cover trees of up to 2,048
    nodes; larger ones compile when they occur.

    Args:
        stand_in: Loaded with `StandIn.load`, which chooses the cache.
        progress: Called with the number of programs done and of all.
    """
    programs = list(_programs(stand_in))
    for done, program in enumerate(programs):
        progress(done, len(programs))
        program()
    progress(len(programs), len(programs))


def _programs(stand_in: StandIn) -> Iterator[Callable[[], object]]:
    model, plan = stand_in.model, TrainingPlan
    for rows in paddings(CHUNK):
        for capacity in _CAPACITIES:
            yield partial(compile_reading, model, rows=rows, capacity=capacity)
        yield partial(compile_choosing, model, rows=rows)
    adapter = Adapter.fresh(model, first_layer=plan.first_layer, rank=plan.rank, seed=0)
    gradient = GrpoGradient(model, first_layer=plan.first_layer)
    yield partial(fold, model, adapter)
    yield partial(adam.step, adapter.factors, adam.start(adapter.factors), adapter.factors, 0.0, plan.max_norm)
    for nodes in _LESSON_NODES:
        for reads in _LESSON_READS:
            yield partial(gradient.compile, adapter, nodes=nodes, reads=reads)
