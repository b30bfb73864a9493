"""What the roles of the deployed stack ask for: the embedded tests run, and every authorization question is recorded.

`benchmarks.security.replay` asks the recorded calls again with single rights removed. So that this is not only a
calculation, some rights are also removed from the deployed roles, one at a time, and a run must then fail at them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.result import ROOT
from benchmarks.security.calls import read_calls
from benchmarks.security.removals import removals
from rft_contract.json_value import JsonObject
from rft_contract.naming import stack_name
from rft_local.emulator.environment import AUTHORIZATION_LOG

COMMAND = "python -m benchmarks privileges"
TESTS = ("whole_run", "promotion", "sweeper", "dataset_upload", "faults", "workflow_commands", "log_sampling")
"""Modules of `tests/embedded` that deploy the app's own stack, or parts of it, and leave its roles alone."""

STACKS = (stack_name("local"), "pipeline-roles", "sampler")
"""Stacks of these modules: the app's, the roles of pipelines in it, and what samples logs; ids are the app's in all."""


def measure() -> JsonObject:
    """Run the tests and return the calls of the stack's roles.

    Raises:
        RuntimeError: When a test fails, since its calls would be missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "authorizations.jsonl"
        files = [str(ROOT / "tests" / "embedded" / f"test_{name}.py") for name in TESTS]
        command = [sys.executable, "-m", "pytest", "-q", *files]
        ran = subprocess.run(command, cwd=ROOT, env={**os.environ, AUTHORIZATION_LOG: str(log)}, check=False)
        if ran.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}")
        calls = read_calls(log, STACKS)
    return {"tests": list(TESTS), "removals": removals(), "calls": msgspec.to_builtins(calls)}
