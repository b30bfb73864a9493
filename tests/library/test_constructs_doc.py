"""The examples of docs/constructs.md, executed."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import bedrock_rft
from rft_contract.outputs import StackOutputs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "constructs.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """Return the resources of the stack that all examples together make."""
    from aws_cdk.assertions import Template

    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(compile(example, "docs/constructs.md", "exec"), names)
    found: dict[str, Any] = Template.from_stack(names["stack"]).to_json()["Resources"]
    return found


def test_the_examples_make_what_the_page_says(resources: dict[str, Any]) -> None:
    kinds = [resource["Type"] for resource in resources.values()]
    assert kinds.count("AWS::Lambda::Function") == 25
    assert kinds.count("AWS::S3::Bucket") == 3
    assert kinds.count("AWS::StepFunctions::StateMachine") == 3
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1
    assert kinds.count("AWS::CloudWatch::Alarm") == 8
    assert not [kind for kind in kinds if kind.startswith("Custom::")]


def test_the_page_shows_every_construct() -> None:
    shown = set(re.findall(r"\w+", "\n".join(EXAMPLES) + "".join(re.findall(r"^## .*$", PAGE, flags=re.MULTILINE))))
    constructs = {name for name in bedrock_rft.__all__ if name[0].isupper() and not name.endswith("Base")}
    assert constructs - shown == {"AssetError", "Handler", "HandlerPlatform", "WorkflowHandlers"}


def test_the_outputs_on_the_page_are_those_of_the_stack() -> None:
    told = re.findall(r"^\| `(\w+)`(?:, by name)? \| `(\w+)\.(from_\w+)`", PAGE, flags=re.MULTILINE)
    values: dict[str, Any] = {one.name: one.name for one in fields(StackOutputs)}
    outputs = StackOutputs(**(values | {"rewards": {}})).to_outputs()
    assert len(told) == 8
    for output, construct, imports in told:
        assert output in outputs
        assert callable(getattr(getattr(bedrock_rft, construct), imports))


def test_the_refusal_on_the_page_is_the_real_one() -> None:
    from bedrock_rft.polling import check_event_budget

    settings = bedrock_rft.PlatformSettings(environment="dev", poll_first_seconds=1, poll_max_seconds=3)
    with pytest.raises(ValueError) as caught:
        check_event_budget(settings, 60)
    assert str(caught.value) in " ".join(PAGE.split())
