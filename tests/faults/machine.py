"""The state machine as the construct library builds it, and which handler each of its tasks calls."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_cdk import App, Environment, Stack

from bedrock_rft import DatasetBucket, RewardCode, RewardFunction, RewardSpec, RftKey
from tests.constructs_.conftest import Built, flat
from tests.constructs_.test_workflow import workflow


@dataclass(frozen=True)
class StateMachine:
    """A definition.

    Args:
        definition: In the Amazon States Language, references spelled as text.
        modules: What a task names -> module of `rft_handlers`.
    """

    definition: dict[str, Any]
    modules: dict[str, str]

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """Name -> state; not those of a map's children."""
        found: dict[str, dict[str, Any]] = self.definition["States"]
        return found

    def child(self, state: str) -> str | None:
        """Return the one state of a map's children; None: it is no map."""
        processor = self.states[state].get("ItemProcessor")
        return None if processor is None else str(processor["StartAt"])

    def handlers(self) -> dict[str, str]:
        """Return state, a map's child among them -> module of its handler."""
        children = [state["ItemProcessor"]["States"] for state in self.states.values() if "ItemProcessor" in state]
        every = {name: state for states in (self.states, *children) for name, state in states.items()}
        return {name: self.modules[state["Resource"]] for name, state in every.items() if state["Type"] == "Task"}


@cache
def state_machine() -> StateMachine:
    """Return the workflow's, built once a process."""
    stack = Stack(App(), "Faults", env=Environment(account="123456789012", region="us-east-1"))
    key = RftKey(stack, "Key")
    spec = RewardSpec(name="tickets", grader="label", options={"labels": ["billing", "shipping"]})
    reward = RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")
    workflow(stack, DatasetBucket(stack, "Datasets", key=key), key, [reward])
    built = Built(stack)
    functions = built.of_type("AWS::Lambda::Function")
    modules = {}
    for name, version in built.of_type("AWS::Lambda::Version").items():
        handler = functions[version["Properties"]["FunctionName"]["Ref"]]["Properties"]["Handler"]
        modules[f"<{name}>"] = handler.rsplit(".", 2)[-2]
    properties = flat(built.properties("AWS::StepFunctions::StateMachine"))
    return StateMachine(json.loads(properties["DefinitionString"]), modules)
