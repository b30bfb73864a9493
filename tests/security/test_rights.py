"""Every right of the template is needed by a recorded call, or by what AWS documents; there is no third kind."""

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks.result import RESULTS
from benchmarks.security import documented
from benchmarks.security.calls import Call, read_calls
from benchmarks.security.environments import everything_on, synthesized
from benchmarks.security.outsiders import admissions
from benchmarks.security.page import MARK, PAGE, bedrock_roles, generated, recorded
from benchmarks.security.replay import Evidence, Need, excess, needs
from benchmarks.security.rights import Right, Template, label, short
from rft_local.emulator.environment import ACCOUNT, REGION
from stacks.config import ENVIRONMENTS, RftConfig, choose

RENEW = "run `python -m benchmarks privileges`, then `python -m benchmarks.security page`"
SERVICES_WITHOUT_SOURCE = {"lambda.amazonaws.com", "s3.amazonaws.com"}
"""Roles of functions and of replication are handed over with iam:PassRole; of neither service is it documented that it
names a source when it assumes them."""


@pytest.fixture(scope="module")
def template() -> Template:
    (local,) = choose(ENVIRONMENTS, "local")
    return synthesized(local)


@pytest.fixture(scope="module")
def found(template: Template) -> list[Need]:
    return needs(template, recorded(), bedrock_roles(template))


def test_no_right_is_without_evidence(found: list[Need]) -> None:
    idle = [need.right for need in found if need.evidence is Evidence.NONE]
    assert idle == [], f"remove them, or say in benchmarks/security/documented.py why they are needed; or {RENEW}"


def test_most_rights_of_code_are_proved_or_simulated(found: list[Need]) -> None:
    count = Counter(need.evidence for need in found)
    assert count[Evidence.PROVED] > 140
    assert count[Evidence.SIMULATED] > 60
    situations = [need for need in found if need.fact in documented.OF_SITUATIONS]
    assert len(situations) < count[Evidence.PROVED]


def test_the_record_is_of_these_policies(template: Template) -> None:
    calls = recorded()
    assert len(calls) > 400
    assert excess(template, calls) == [], RENEW
    known = {template.same(call.role) for call in calls}
    assert len(known & set(template.resources)) >= 20, RENEW


def test_rights_taken_away_from_deployed_roles_are_missed() -> None:
    record = json.loads((RESULTS / "privileges.json").read_text(encoding="utf-8"))
    removals = record["figures"]["removals"]
    assert len(removals) >= 5
    for removal in removals:
        assert removal["action"] in removal["failed_with"], removal


def test_every_fact_is_used_and_names_an_aws_page(found: list[Need]) -> None:
    used = {need.fact for need in found}
    for fact in documented.DOCUMENTED:
        assert fact.page.startswith("https://docs.aws.amazon.com/"), fact
        assert fact in used, f"no right is documented by: {fact.says}"


def test_the_page_is_of_the_templates_and_the_evidence(template: Template) -> None:
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[2]
    assert text == generated(template), "run `python -m benchmarks.security page`"


@pytest.mark.parametrize("config", [choose(ENVIRONMENTS, "local")[0], everything_on()], ids=["local", "everything"])
def test_whoever_is_admitted_from_outside_is_confined(config: RftConfig) -> None:
    found = admissions(synthesized(config))
    assert len(found) > 30
    github = [one for one in found if "token.actions.githubusercontent.com:sub" in one.condition]
    assert len(github) == (3 if config.github else 0)
    for admission in found:
        if admission.principal == f"arn:aws:iam::{config.account}:root":
            assert (admission.kind, admission.actions) == ("AWS::KMS::Key", ("kms:*",))
        elif admission.principal not in SERVICES_WITHOUT_SOURCE:
            assert admission.is_confined, admission


ROLE = "arn:aws:iam::000000000000:role/Role"


def small(*statements: dict[str, Any]) -> Template:
    """Return a template of one role with these statements."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    policy = {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": "Role"}]}
    resources = {
        "Role": role,
        "Policy": {"Type": "AWS::IAM::Policy", "Properties": policy},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
    }
    return Template({"Resources": resources}, account=ACCOUNT, region=REGION)


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def call(action: str, resource: str = "arn:aws:s3:::Bucket/a", **more: Any) -> Call:
    return Call(role="Role", action=action, resource=resource, by=more.pop("by", "call"), **more)


OBJECTS = {"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}
DENY = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": OBJECTS, "Condition": {"Null": {"x:key": "false"}}}


@pytest.mark.parametrize(
    ("statements", "calls", "evidence"),
    [
        ([allow("s3:GetObject", OBJECTS)], [call("s3:GetObject")], {"s3:GetObject": "proved"}),
        ([allow("s3:GetObject", OBJECTS)], [call("s3:GetObject", by="check")], {"s3:GetObject": "simulated"}),
        ([allow("s3:GetObject", OBJECTS)], [call("s3:GetObject", by_hand=True)], {"s3:GetObject": "none"}),
        ([allow("s3:GetObject", OBJECTS)], [call("s3:PutObject")], {"s3:GetObject": "none"}),
        ([allow("s3:GetObject", OBJECTS)], [call("s3:GetObject", "arn:aws:s3:::Other/a")], {"s3:GetObject": "none"}),
        ([allow("sqs:SendMessage")], [], {"sqs:SendMessage": "documented"}),
        (
            [allow(["s3:GetObject", "s3:PutObject"], OBJECTS)],
            [call("s3:PutObject")],
            {"s3:GetObject": "none", "s3:PutObject": "proved"},
        ),
    ],
)
def test_evidence(statements: list[dict[str, Any]], calls: list[Call], evidence: dict[str, str]) -> None:
    assert {need.right.action: need.evidence.value for need in needs(small(*statements), calls, [])} == evidence


def test_a_right_that_another_one_covers_is_not_needed() -> None:
    template = small(allow("s3:GetObject", OBJECTS), allow("s3:GetObject", "arn:aws:s3:::Bucket/a*"))
    found = needs(template, [call("s3:GetObject"), call("s3:GetObject", "arn:aws:s3:::Bucket/b")], [])
    assert {need.right.resource: need.evidence.value for need in found} == {
        "arn:aws:s3:::Bucket/*": "proved",
        "arn:aws:s3:::Bucket/a*": "none",
    }


def test_a_denial_is_needed_where_a_call_would_be_allowed_without_it() -> None:
    template = small(allow("s3:GetObject", OBJECTS), DENY)
    refused = call("s3:GetObject", context={"x:key": "1"}, allowed=False, by_hand=True)
    (deny,) = [need for need in needs(template, [refused], []) if need.right.effect == "Deny"]
    assert deny.evidence is Evidence.PROVED


def test_what_bedrock_does_with_its_role_is_simulated() -> None:
    (need,) = needs(small(allow("s3:GetObject", OBJECTS)), [call("s3:GetObject")], ["Role"])
    assert need.evidence is Evidence.SIMULATED


def test_a_record_of_other_policies_is_told() -> None:
    template = small(allow("s3:GetObject", OBJECTS))
    assert excess(template, [call("s3:GetObject")]) == []
    assert excess(template, [call("s3:PutObject")]) == [call("s3:PutObject")]
    assert excess(template, [call("sts:GetCallerIdentity", "*"), call("s3:PutObject", allowed=False)]) == []


def test_the_rewards_count_as_one() -> None:
    def function(name: str) -> dict[str, Any]:
        path = f"dev/Rft/Training/Rewards/{name}/Function/Resource"
        return {"Type": "AWS::Lambda::Function", "Properties": {}, "Metadata": {"aws:cdk:path": path}}

    arns = [{"Fn::GetAtt": [f"Rewards{name}", "Arn"]} for name in "AB"]
    resources = dict(small(allow("lambda:InvokeFunction", arns)).resources) | {
        "RewardsA": function("a"),
        "RewardsB": function("b"),
    }
    template = Template({"Resources": resources}, account=ACCOUNT, region=REGION)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:RewardsA"
    assert template.rights() == [Right("Role", "Allow", "lambda:InvokeFunction", arn)]
    invoked = call("lambda:InvokeFunction", arn.replace("RewardsA", "RewardsB"))
    assert [need.evidence.value for need in needs(template, [invoked], [])] == ["proved"]
    assert template.label("RewardsB") == "Training/Rewards/*"


def test_an_unknown_intrinsic_function_is_named() -> None:
    with pytest.raises(ValueError, match="Fn::ImportValue"):
        small(allow("s3:GetObject", {"Fn::ImportValue": "x"})).rights()


def test_recorded_names_become_logical_ids(tmp_path: Any) -> None:
    question = {"by": "call", "role": "local-Rft-Role123-ABC", "session": "some-function", "action": "s3:GetObject"}
    lines = [
        {"stack": "local-Rft", "resources": {"Role": "local-Rft-Role123-ABC", "Bucket": "local-rft-bucket-abc"}},
        {
            **question,
            "resource": "arn:aws:s3:::local-rft-bucket-abc/a1",
            "context": {"s3:max-keys": 1},
            "allowed": True,
        },
        {**question, "resource": "arn:aws:s3:::local-rft-bucket-abc/a2", "context": {}, "allowed": True},
        {**question, "session": "lambda", "resource": "*", "context": {}, "allowed": False},
        {**question, "role": "somebody-else", "resource": "*", "context": {}, "allowed": True},
    ]
    log = tmp_path / "log"
    log.write_text("\n".join(map(json.dumps, lines)))
    assert read_calls(log, "local-Rft") == [
        Call(role="Role", action="s3:GetObject", resource="*", by="call", allowed=False, by_hand=True),
        Call(role="Role", action="s3:GetObject", resource="arn:aws:s3:::Bucket/a1", by="call"),
    ]


def test_labels_and_short_names() -> None:
    assert label("prod/Rft/Training/Workflow/Handlers/Plan/Function/Role/DefaultPolicy/Resource") == (
        "Training/Workflow/Handlers/Plan"
    )
    assert short("arn:aws:s3:::DataDatasets1216192C/runs/*") == "arn:aws:s3:::DataDatasets/runs/*"
