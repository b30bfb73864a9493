"""The faults that hurt most, on the deployed stack: real functions, roles and state machine, with no model time.

The same cases run in memory in tests/faults; `python -m benchmarks faults` runs all of them here.
"""

import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fault_run import CALLERS, FaultRun
from benchmarks.faults import SAMPLE, Ran, run_cases
from benchmarks.instant_stack import InstantStack, instant_stack
from rft_contract.naming import reward_alias
from rft_local.lifecycle import up
from rft_local.project import Project
from tests.faults.case import load_cases

ROOT = Path(__file__).parents[2]
PORT, BEDROCK_PORT = 4940, 4941
CALLING = [state for state in CALLERS if state not in ("Plan", "Probe", "Evaluate", "CloseAfterError")]
UPDATED = CALLING if os.environ.get("FAULT_UPDATES") == "all" else ["StartTraining"]
"""States in front of which the app is deployed anew: one of them in `make test`, each in `make soak`."""

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[InstantStack]:
    with instant_stack(PORT, BEDROCK_PORT) as stack:
        yield stack


@pytest.fixture(scope="module")
def ran(stack: InstantStack) -> dict[str, Ran]:
    """Run the sample side by side."""
    cases = {case.name: case for case in load_cases()}
    found = run_cases(stack, [cases[name] for name in SAMPLE], lambda words: None)
    return {run.case.name: run for run in found}


@pytest.mark.parametrize("name", SAMPLE)
def test_a_fault_ends_as_it_must(ran: dict[str, Ran], name: str) -> None:
    assert ran[name].seconds is not None, ran[name].wrong
    assert ran[name].wrong == ""


def changed_code(folder: Path, state: str) -> Path:
    """Copy the handlers' and the reward functions' code, broken, and in another way for each state; return where."""
    shutil.copytree(ROOT / "lambda", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ("reward", "train_poll", "decide", "close"):
        path = folder / "rft_handlers" / f"{module}.py"
        path.write_text(f"{path.read_text()}\n\nraise RuntimeError('the new code of {state}')\n")
    return folder


def deployed_again(stack: InstantStack, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy the app with other code under `lambda/`, as a person does who changed it."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")]))
    up(stack.project, port=PORT, bedrock_port=BEDROCK_PORT, seed=None, deploy=True, tell=lambda words: None)


def test_a_deployment_between_two_states_changes_nothing_for_a_run(
    stack: InstantStack, ran: dict[str, Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real `cdk deploy` of reward and handler code that cannot even be loaded, while a run is in front of a state."""
    functions, states = stack.client("lambda"), stack.client("stepfunctions")
    reward, machine = stack.outputs.rewards["routing"], stack.outputs.state_machine_arn

    def seen() -> tuple[Any, Any]:
        version = functions.get_alias(FunctionName=reward, Name="live")["FunctionVersion"]
        return version, states.describe_state_machine(stateMachineArn=machine)["definition"]

    def deploy(state: str) -> None:
        before = seen()
        deployed_again(stack, changed_code(tmp_path / state, state), monkeypatch)
        assert all(old != new for old, new in zip(before, seen(), strict=True))

    first, _ = seen()
    run = FaultRun(stack, "updated", "updated")
    for state in UPDATED:
        run.hold(state, partial(deploy, state))
    record = run.go()
    run.check(record, ["PROMOTED"], None)
    run.check_live(record, promoted=True)
    answer = functions.invoke(FunctionName=f"{reward}:live", Payload=b"[]")
    assert "the new code" in json.dumps(json.loads(answer["Payload"].read()))
    assert record.reward_arn is not None
    assert record.reward_arn.endswith(reward_alias("updated"))
    assert record.reward_version == first
