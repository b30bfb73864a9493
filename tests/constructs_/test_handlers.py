"""Each handler's policy, statement by statement, against the table in tests/cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    HandlerPlatform,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftKey,
    RftTopic,
    WorkflowHandlers,
)
from rft_contract.settings import FunctionEnvironment

ROOT = Path(__file__).resolve().parents[2]
CASES: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "handler_policies.json").read_text())
HANDLERS: dict[str, dict[str, Any]] = CASES["handlers"]


def construct_id(module: str) -> str:
    return "".join(word.capitalize() for word in module.split("_"))


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    key = RftKey(stack, "Key")
    datasets = DatasetBucket(stack, "Datasets", key=key)
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    reward = RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")
    role = CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward])
    WorkflowHandlers(
        stack,
        "Handlers",
        environment_name="dev",
        datasets=datasets,
        key=key,
        rewards=[reward],
        customization_role=role,
        topic=RftTopic(stack, "Topic", key=key).topic,
        platform=HandlerPlatform.HOST,
    )
    return build(stack)


@pytest.fixture(scope="module")
def spoken(built: Any) -> Callable[[Any], Any]:
    """Return what replaces logical ids by the words of the table."""
    words = {"<AWS::Partition>": "aws"}
    for kind, holding, word in (
        ("AWS::S3::Bucket", "Datasets", "bucket"),
        ("AWS::KMS::Key", "Key", "key"),
        ("AWS::Lambda::Function", "Reward", "reward"),
        ("AWS::IAM::Role", "CustomizationRole", "customization role"),
        ("AWS::SNS::Topic", "Topic", "topic"),
    ):
        for name in built.of_type(kind):
            if holding in name and "AccessLogs" not in name:
                words.setdefault(f"<{name}.Arn>", f"{{{word}}}")
                words.setdefault(f"<{name}>", f"{{{word}}}")
    for name in built.of_type("AWS::Logs::LogGroup"):
        words[f"<{name}.Arn>"] = "{own log group}"

    def say(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: say(item) for name, item in value.items()}
        if isinstance(value, list):
            return [say(item) for item in value]
        for name, word in words.items():
            value = value.replace(name, word)
        return value

    return say


def key_of(statement: dict[str, Any]) -> str:
    return json.dumps(statement, sort_keys=True)


def normalised(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the statements with lists everywhere, sorted, so that order and shape do not matter."""
    found = []
    for statement in statements:
        whole = {"Effect": "Allow", **statement}
        for name in ("Action", "Resource"):
            value = whole[name]
            whole[name] = sorted(value) if isinstance(value, list) else [value]
        found.append({name: item for name, item in whole.items() if name != "Sid"})
    return sorted(found, key=key_of)


def test_the_table_knows_every_handler(built: Any) -> None:
    functions = built.of_type("AWS::Lambda::Function").values()
    modules = {found["Properties"]["Handler"] for found in functions} - {"rft_handlers.reward.handler"}
    assert modules == {f"rft_handlers.{module}.handler" for module in HANDLERS}
    for module in HANDLERS:
        assert (ROOT / "lambda" / "rft_handlers" / f"{module}.py").is_file()


@pytest.mark.parametrize("module", HANDLERS)
def test_policy(built: Any, spoken: Callable[[Any], Any], module: str) -> None:
    statements = built.statements(f"Handlers{construct_id(module)}FunctionRole")
    actions = HANDLERS[module].get("record", ["s3:GetObject", "s3:PutObject"])
    record = {"Action": actions, "Resource": "{bucket}/runs/*/run.json"}
    expected = [*CASES["every handler"], record, *HANDLERS[module]["statements"]]
    assert normalised(spoken(statements)) == normalised(expected)


@pytest.mark.parametrize("module", HANDLERS)
def test_function(built: Any, spoken: Callable[[Any], Any], flat: Any, module: str) -> None:
    function = built.properties("AWS::Lambda::Function", f"Handlers{construct_id(module)}Function")
    assert (function["Timeout"], function["MemorySize"]) == tuple(HANDLERS[module]["limits"])
    variables = spoken(flat(function["Environment"]["Variables"]))
    assert FunctionEnvironment.from_variables(variables) == FunctionEnvironment(bucket="{bucket}", environment="dev")


def test_all_handlers_share_one_asset_and_no_role_or_log_group(built: Any, flat: Any) -> None:
    functions = [
        flat(found["Properties"])
        for found in built.of_type("AWS::Lambda::Function").values()
        if found["Properties"]["Handler"] != "rft_handlers.reward.handler"
    ]
    assert len({function["Code"]["S3Key"] for function in functions}) == 1
    assert len({function["Role"] for function in functions}) == len(functions) == 13
    assert len({function["LoggingConfig"]["LogGroup"] for function in functions}) == 13


def test_versions_of_handlers_stay(built: Any) -> None:
    versions = built.of_type("AWS::Lambda::Version").values()
    assert {version["DeletionPolicy"] for version in versions} == {"Retain"}


def test_only_decide_may_count_looks_at_held_out_sets(built: Any, flat: Any) -> None:
    policies = [flat(item["Properties"]) for item in built.of_type("AWS::S3::BucketPolicy").values()]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    (denial,) = (statement for statement in statements if statement.get("Sid") == "UsesAreWrittenByDecide")
    (role,) = (name for name in built.of_type("AWS::IAM::Role") if "DecideFunctionRole" in name and "Probe" not in name)
    assert denial["Effect"] == "Deny"
    assert {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"} < set(denial["Action"])
    assert denial["Resource"].endswith(".Arn>/datasets/*/uses.json")
    assert denial["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": [f"<{role}.Arn>"]}}
