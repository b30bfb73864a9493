import pytest
from aws_cdk import Stack

from bedrock_rft import acknowledge
from bedrock_rft.nag import flatten


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("plain", "plain"),
        ({"Ref": "Bucket"}, "<Bucket>"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "<Bucket.Arn>"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/runs/*"]]}, "<Bucket.Arn>/runs/*"),
        ({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}]]}, "arn:<AWS::Partition>"),
        ({"Fn::Select": [6, "x"]}, '{"Fn::Select":[6,"x"]}'),
    ],
)
def test_values_are_spelled_as_in_findings(value: object, spelled: str) -> None:
    assert flatten(value) == spelled


def test_a_reason_must_say_something(stack: Stack) -> None:
    with pytest.raises(
        ValueError, match=r"acknowledgement of X-1: got the reason 'false positive', wanted at least 20"
    ):
        acknowledge(stack, "X-1", reason="false positive")
