"""Where cases begin, made once for the module: the clock is the real one again for whatever follows."""

from collections.abc import Iterator

import pytest

from tests.faults.bases import Bases, simulated_world
from tests.faults.bases import bases as make_bases


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    """Return them, in a world with a virtual clock."""
    with simulated_world():
        yield make_bases()
