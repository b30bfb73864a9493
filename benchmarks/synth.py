"""Time to synthesize every environment with warm bundles, and to bootstrap and deploy to a fresh embedded AWS."""

from benchmarks.measured_command import run
from rft_contract.json_value import JsonObject

COMMAND = "python -m benchmarks synth"


def measure() -> JsonObject:
    """Synthesize three times after one that warms the bundles; bring an embedded AWS up and down twice."""
    run(["cdk", "--no-notices", "synth", "--quiet"])
    synths = [run(["cdk", "--no-notices", "synth", "--quiet"]) for _ in range(3)]
    ups = []
    for _ in range(2):
        up = run(["rft", "local", "up", "--json"])
        down = run(["rft", "local", "down", "--json"])
        ups.append((up, down))
    failed = [cost.output for cost in [*synths, *(cost for pair in ups for cost in pair)] if cost.exit_code != 0]
    if failed:
        raise RuntimeError(f"a measured command failed: {failed[0][-400:]}")
    return {
        "synth_all_environments_seconds": [cost.wall_seconds for cost in synths],
        "local_up_seconds": [up.wall_seconds for up, _ in ups],
        "local_down_seconds": [down.wall_seconds for _, down in ups],
    }
