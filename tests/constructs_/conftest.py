"""What construct tests share: a stack to build in, and its template read in a few words."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Annotations, Match, Template

from bedrock_rft import DatasetBucket, RewardCode, RewardFunction, RewardSpec, RftKey

ACCOUNT = "123456789012"


class Built:
    """A stack's template."""

    def __init__(self, stack: Stack) -> None:
        self.template = Template.from_stack(stack)
        self.resources: dict[str, Any] = self.template.to_json().get("Resources", {})

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the resources of a CloudFormation type by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def only(self, kind: str) -> Any:
        """Return the one resource of a type."""
        (resource,) = self.of_type(kind).values()
        return resource

    def properties(self, kind: str, holding: str = "") -> Any:
        """Return the properties of the one resource of a type whose logical id holds a text."""
        (resource,) = (found for name, found in self.of_type(kind).items() if holding in name)
        return resource["Properties"]

    def statements(self, policy: str) -> list[dict[str, Any]]:
        """Return the statements of the one policy whose logical id holds a text, names flattened."""
        document = self.properties("AWS::IAM::Policy", policy)["PolicyDocument"]
        return [flat(statement) for statement in document["Statement"]]


def flat(value: Any) -> Any:
    """Return a resolved value with its references spelled `<Id>` and `<Id.Attribute>`, joined into texts."""
    match value:
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(str(flat(part)) for part in parts)
        case dict():
            return {name: flat(item) for name, item in value.items()}
        case list():
            return [flat(item) for item in value]
        case _:
            return value


def errors(stack: Stack) -> list[str]:
    """Return what synth prints as errors of a stack."""
    return [str(found.entry.data) for found in Annotations.from_stack(stack).find_error("*", Match.any_value())]


@pytest.fixture(scope="session")
def new_stack() -> Callable[[], Stack]:
    """Return what makes an empty stack of an app without any feature flag, as another team's app may be."""
    return lambda: Stack(App(), "Test", env=Environment(account=ACCOUNT, region="us-east-1"))


@pytest.fixture
def stack(new_stack: Callable[[], Stack]) -> Stack:
    """Return such a stack."""
    return new_stack()


@pytest.fixture(scope="session")
def build() -> Callable[[Stack], Built]:
    """Return what synthesizes a stack."""
    return Built


@pytest.fixture
def key(stack: Stack) -> RftKey:
    """Return a key in the stack."""
    return RftKey(stack, "Key")


@pytest.fixture
def datasets(stack: Stack, key: RftKey) -> DatasetBucket:
    """Return a bucket in the stack."""
    return DatasetBucket(stack, "Datasets", key=key)


@pytest.fixture
def reward(stack: Stack) -> RewardFunction:
    """Return a reward function in the stack."""
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    return RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")


@pytest.fixture(scope="session", name="flat")
def flat_fixture() -> Callable[[Any], Any]:
    """Return what spells references."""
    return flat
