"""Rights taken away from deployed roles, one at a time: the next run must fail and name what it lacks."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

from benchmarks.instant_stack import InstantStack, instant_stack
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.layout import RunKeys
from rft_contract.naming import stack_name

PORT, BEDROCK_PORT = 4934, 4935
_SECONDS = 120.0


@dataclass(frozen=True)
class Removal:
    """A right to take away.

    Args:
        role: Part of the role's logical id.
        action: The action, gone from every statement of the role.
    """

    role: str
    action: str


REMOVALS = (
    Removal("HandlersPlanFunctionRole", "lambda:CreateAlias"),
    Removal("HandlersValidateFunctionRole", "s3:PutObject"),
    Removal("HandlersFreezeFunctionRole", "kms:GenerateDataKey"),
    Removal("HandlersCertifyFunctionRole", "lambda:InvokeFunction"),
    Removal("HandlersTrainStartFunctionRole", "bedrock:CreateModelCustomizationJob"),
    Removal("HandlersRolloutFunctionRole", "bedrock:InvokeModel"),
    Removal("HandlersDecideFunctionRole", "s3:PutObject"),
)
"""In seven states of a run, and of four services."""


def removals() -> list[JsonValue]:
    """Deploy the stack, take each right away, and return what each run said.

    Raises:
        RuntimeError: When a run with every right fails.
    """
    with instant_stack(PORT, BEDROCK_PORT) as stack:
        said = _run(stack, "every-right")
        if said:
            raise RuntimeError(f"the run with every right failed: {said}")
        return [_without(stack, number, removal) for number, removal in enumerate(REMOVALS)]


def _without(stack: InstantStack, number: int, removal: Removal) -> JsonObject:
    with _taken_away(stack, removal):
        said = _run(stack, f"without-{number}")
    print(f"{removal.role} without {removal.action}: {said}", file=sys.stderr, flush=True)
    return {**asdict(removal), "failed_with": said}


def _run(stack: InstantStack, run_id: str) -> str:
    """Run a small recipe to its end, and return what it says when it fails; nothing when its gate has judged."""
    recipe: JsonObject = {
        "schema": 1,
        "line": "rights",
        "reward": "routing",
        "base_model": "local.smollm2-135m-instruct-v1:0",
        "datasets": {
            "train": stack.upload(f"{run_id}-train", 100),
            "held_out": stack.upload(f"{run_id}-held-out", 100),
        },
        "hyperparameters": {"batchSize": 16, "trainingSamplePerPrompt": 2, "inferenceMaxTokens": 16},
        "probe": {"prompts": 20},
        "gate": {"samples_per_prompt": 1},
    }
    cause = stack.ended(stack.start(run_id, recipe), _SECONDS).get("cause", "")
    try:
        report = stack.read(RunKeys(run_id).report_json)
    except stack.client("s3").exceptions.NoSuchKey:  # nothing could be called, Close neither
        return str(cause)
    return "" if report["outcome"] in ("PASSED", "REJECTED") else f"{report['outcome']}: {report['reason']} {cause}"


@contextmanager
def _taken_away(stack: InstantStack, removal: Removal) -> Iterator[None]:
    """Take an action from a role's policies, and give it back."""
    iam = stack.client("iam")
    role = _role_name(stack, removal.role)
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = {name: _document(iam.get_role_policy(RoleName=role, PolicyName=name)) for name in names}
    changed = {name: _without_action(document, removal.action) for name, document in before.items()}
    if changed == before:
        raise RuntimeError(f"{role} has no right to {removal.action}")
    try:
        _put(iam, role, changed)
        yield
    finally:
        _put(iam, role, before)


def _role_name(stack: InstantStack, part: str) -> str:
    """Return the name that CloudFormation gave to the role whose logical id contains a part."""
    found = stack.client("cloudformation").describe_stack_resources(StackName=stack_name("local"))["StackResources"]
    (name,) = [
        str(one["PhysicalResourceId"])
        for one in found
        if one["ResourceType"] == "AWS::IAM::Role" and part in one["LogicalResourceId"]
    ]
    return name


def _put(iam: Any, role: str, documents: Mapping[str, Any]) -> None:
    for name, document in documents.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def _document(answer: Mapping[str, Any]) -> Any:
    document = answer["PolicyDocument"]
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _without_action(document: Mapping[str, Any], action: str) -> dict[str, Any]:
    statements = []
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        left = [one for one in actions if one != action]
        if left:
            statements.append({**statement, "Action": left if left != actions else statement["Action"]})
    return {**document, "Statement": statements}
