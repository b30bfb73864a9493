"""The second recipe, structured extraction from order messages: one run, quoted without a bar."""

from benchmarks.demo import one
from rft_contract.json_value import JsonObject

COMMAND = "python -m benchmarks orders"
SEED = 41


def measure() -> JsonObject:
    """Train on `recipes/orders.yaml` once."""
    return {"runs": [one(SEED, "--recipe", "recipes/orders.yaml")]}
