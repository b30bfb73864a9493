"""`python -m benchmarks [NAME ...]`: run benchmarks (default: the short ones) and save their results."""

import importlib
import json
import sys
from types import ModuleType

from benchmarks.result import save

SHORT = (
    "synth",
    "trainer",
    "structured_graders",
    "math_grader",
    "invalid_rewards",
    "code_grader",
    "judge_calibration",
    "leaks",
    "dataset_checks",
    "dataset_rows",
    "production_match",
    "prompt_alignment",
)
LONG = (
    "demo",
    "routing_settings",
    "orders",
    "trl",
    "reward_fuzz",
    "code_soak",
    "gate_errors",
    "probe",
    "workflow_overhead",
    "faults",
    "privileges",
)


def main(names: list[str]) -> int:
    """Measure, print and save.

    Args:
        names: Benchmarks to run; empty: the short ones.
    """
    for name in names or SHORT:
        if name not in SHORT + LONG:
            print(f"error: no benchmark {name!r}; there are {', '.join(SHORT + LONG)}", file=sys.stderr)
            return 2
        module: ModuleType = importlib.import_module(f"benchmarks.{name}")
        print(f"== {name}: {module.COMMAND}", flush=True)
        figures = module.measure()
        print(json.dumps(figures, indent=2, ensure_ascii=False))
        print(f"saved {save(name, module.COMMAND, figures).name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
