from datetime import date
from typing import Any

import pytest
from aws_cdk import Stack, assertions
from aws_cdk import aws_sqs as sqs

from bedrock_rft import acknowledge, constraints
from bedrock_rft.nag import Constraint, accept, flatten


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


def test_a_constraint_must_say_something() -> None:
    with pytest.raises(ValueError, match="wanted at least 20 characters"):
        Constraint("because", "https://docs.aws.amazon.com/")


def test_a_constraint_is_written_with_its_page_and_its_last_day() -> None:
    constraint = Constraint("there is no other way", "https://docs.aws.amazon.com/x", until=date(2030, 1, 2))
    assert str(constraint) == "there is no other way (https://docs.aws.amazon.com/x; until 2030-01-02)"


def test_scanners_find_what_is_accepted_in_the_metadata(stack: Stack) -> None:
    queue = sqs.Queue(stack, "Queue")
    page = "https://docs.aws.amazon.com/x"
    for why, findings in (
        ("one reason among several", ("CKV_AWS_27", "W3005")),
        ("another reason of ours", ("CKV_AWS_1",)),
    ):
        accept(queue, Constraint(why, page, findings))
    template: dict[str, Any] = dict(assertions.Template.from_stack(stack).to_json())
    (resource,) = template["Resources"].values()
    one, other = (f"{why} ({page}; until 2027-11-30)" for why in ("one reason among several", "another reason of ours"))
    assert resource["Metadata"]["checkov"]["skip"] == [
        {"id": "CKV_AWS_27", "comment": one},
        {"id": "CKV_AWS_1", "comment": other},
    ]
    assert resource["Metadata"]["cfn-lint"] == {"config": {"ignore_checks": ["W3005"]}, "reason": one}


def test_every_constraint_of_the_library_names_an_aws_page() -> None:
    found = {name: value for name, value in vars(constraints).items() if isinstance(value, Constraint)}
    assert len(found) > 15
    for name, constraint in found.items():
        assert constraint.page.startswith("https://docs.aws.amazon.com/"), name
