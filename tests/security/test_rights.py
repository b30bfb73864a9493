"""Every right and policy that is deployed is needed by a recorded call, or by what AWS documents; no third kind."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.result import RESULTS
from benchmarks.security import documented
from benchmarks.security.calls import Call, read_calls
from benchmarks.security.deployment_table import grants
from benchmarks.security.environments import as_recorded, everything_on, synthesized
from benchmarks.security.fact import Fact, first
from benchmarks.security.outsiders import DOCUMENTS, Ground, admissions, grounds
from benchmarks.security.page import MARK, PAGE, generated, used
from benchmarks.security.registry import permissions, unnamed
from benchmarks.security.replay import Evidence, excess, needs
from benchmarks.security.rights import Right, Template, label, short
from benchmarks.security.subjects import EVERY_FACT, Subjects, recorded, registry, subjects
from rft_local.emulator.environment import ACCOUNT, REGION
from stacks.config import ENVIRONMENTS, RftConfig, choose
from stacks.deployment_rights import RIGHTS

RENEW = "run `python -m benchmarks privileges`, then `python -m benchmarks.security page`"
WHY = f"remove them, or say in benchmarks/security/documented*.py why they are needed; or {RENEW}"
SERVICES_WITHOUT_SOURCE = {"lambda.amazonaws.com", "s3.amazonaws.com"}
"""Roles of functions and of replication are handed over with iam:PassRole; of neither service is it documented that it
names a source when it assumes them."""
IDENTITIES = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role"}


@pytest.fixture(scope="module")
def deployed() -> Subjects:
    return subjects()


@pytest.fixture(scope="module")
def template(deployed: Subjects) -> Template:
    return deployed.environment.template


def test_no_right_is_without_evidence(deployed: Subjects) -> None:
    for subject in (deployed.environment, deployed.pipeline):
        assert len(subject.needs) > 250
        assert [need.right for need in subject.needs if need.evidence is Evidence.NONE] == [], WHY
        assert len(subject.grounds) > 15
        assert [ground.statement for ground in subject.grounds if ground.evidence is Evidence.NONE] == [], WHY


def test_nothing_that_cloudformation_may_do_is_without_evidence() -> None:
    assert [(grant.kind, grant.actions) for grant in grants() if grant.fact is None] == [], WHY
    assert registry().keys() == RIGHTS.keys(), "run `make security`"


def test_no_policy_is_overlooked(deployed: Subjects) -> None:
    for subject in (deployed.environment, deployed.pipeline):
        resources = subject.template.resources.values()
        with_policies = {one["Type"] for one in resources if any(statements(one["Properties"]))}
        assert {"AWS::IAM::Policy", "AWS::KMS::Key"} <= with_policies <= IDENTITIES | DOCUMENTS.keys()


def statements(value: Any) -> Iterator[Any]:
    """Yield every statement of a policy in a resource's properties."""
    match value:
        case {"Effect": "Allow" | "Deny"}:
            yield value
        case dict():
            for item in value.values():
                yield from statements(item)
        case list():
            for item in value:
                yield from statements(item)


def test_most_rights_of_code_are_proved_or_simulated(deployed: Subjects) -> None:
    found = deployed.environment.needs
    count = Counter(need.evidence for need in found)
    assert count[Evidence.PROVED] > 190
    assert count[Evidence.SIMULATED] > 70
    situations = [need for need in found if need.fact in documented.OF_SITUATIONS]
    assert len(situations) < count[Evidence.PROVED]


def test_the_record_is_of_these_policies(template: Template) -> None:
    calls = recorded()
    assert len(calls) > 400
    assert excess(template, calls) == [], RENEW
    known = {template.same(call.role) for call in calls}
    assert len(known & set(template.resources)) >= 26, RENEW


@pytest.mark.parametrize("environment", [config.environment for config in ENVIRONMENTS])
def test_every_environment_has_the_rights_of_that_whose_calls_are_recorded(
    deployed: Subjects, environment: str
) -> None:
    (config,) = choose(ENVIRONMENTS, environment)
    assert set(synthesized(as_recorded(config)).rights()) == deployed.always


def test_what_is_turned_on_only_adds_rights(deployed: Subjects) -> None:
    assert deployed.always < {need.right for need in deployed.environment.needs}


def test_rights_taken_away_from_deployed_roles_are_missed() -> None:
    record = json.loads((RESULTS / "privileges.json").read_text(encoding="utf-8"))
    removals = record["figures"]["removals"]
    assert len(removals) >= 5
    for removal in removals:
        assert removal["action"] in removal["failed_with"], removal


def test_every_fact_is_used_and_names_an_aws_page(deployed: Subjects) -> None:
    found = used(deployed)
    for fact in EVERY_FACT:
        assert fact.page.startswith("https://docs.aws.amazon.com/"), fact
        assert fact in found, f"no right is documented by: {fact.says}"


def test_the_page_is_of_the_templates_and_the_evidence(deployed: Subjects) -> None:
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[2]
    assert text == generated(deployed), "run `python -m benchmarks.security page`"


PROD = choose(ENVIRONMENTS, "prod")[0]


@pytest.mark.parametrize("config", [choose(ENVIRONMENTS, "local")[0], everything_on(PROD)], ids=["local", "everything"])
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
        ([allow("logs:CreateLogStream")], [], {"logs:CreateLogStream": "documented"}),
        ([allow("sqs:SendMessage")], [], {"sqs:SendMessage": "none"}),
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


def test_a_fact_is_about_actions_roles_and_conditions() -> None:
    fact = Fact(("s3:GetObject", "s3:PutObject"), "says", "page", about="Data/.*", under=".*x:key.*")
    condition, both = '{"Null": {"x:key": "false"}}', ["s3:GetObject", "s3:PutObject"]
    assert first([fact], "Allow", both, "Data/Bucket", condition) is fact
    assert first([fact], "Deny", both, "Data/Bucket", condition) is None
    assert first([fact], "Allow", [*both, "s3:DeleteObject"], "Data/Bucket", condition) is None
    assert first([fact], "Allow", both, "Training/Role", condition) is None
    assert first([fact], "Allow", both, "Data/Bucket") is None


def trusting(*services: str) -> Template:
    """Return a template of one role that these services may take."""
    trust = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": name}} for name in services]
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": trust}}}
    return Template({"Resources": {"Role": role}}, account=ACCOUNT, region=REGION)


def test_only_bedrock_itself_shows_that_a_service_must_be_trusted() -> None:
    template = trusting("bedrock.amazonaws.com", "lambda.amazonaws.com", "x.amazonaws.com")
    asked = [
        call("sts:AssumeRole", ROLE, by="trust", context={"service": f"{name}.amazonaws.com"})
        for name in ("bedrock", "lambda")
    ]
    fact = Fact(("sts:AssumeRole",), "says", "page", about="AWS::IAM::Role lambda.amazonaws.com")
    found = {ground.statement.principal: ground for ground in grounds(template, asked, [fact])}
    assert [found[f"{name}.amazonaws.com"].evidence.value for name in ("bedrock", "lambda", "x")] == [
        "simulated",
        "documented",
        "none",
    ]
    assert isinstance(found["lambda.amazonaws.com"], Ground)
    assert found["lambda.amazonaws.com"].fact is fact


def test_rights_of_the_registry(tmp_path: Any) -> None:
    handlers = {"create": {"permissions": ["sqs:CreateQueue"]}, "read": {"permissions": ["SQS:Get*"]}}
    (tmp_path / "1.json").write_text(json.dumps({"typeName": "AWS::SQS::Queue", "handlers": handlers}))
    (tmp_path / "2.json").write_text(json.dumps({"typeName": "AWS::SNS::Topic"}))
    found = permissions(tmp_path, ["AWS::SQS::Queue"])
    assert found == {"AWS::SQS::Queue": ["SQS:Get*", "sqs:CreateQueue"]}
    assert unnamed(["sqs:CreateQueue", "sqs:GetQueueUrl", "sqs:DeleteQueue"], found) == ["sqs:DeleteQueue"]
    with pytest.raises(ValueError, match=r"got no rights of AWS::SNS::Topic, wanted"):
        permissions(tmp_path, ["AWS::SQS::Queue", "AWS::SNS::Topic"])


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
    assert read_calls(log, ["other"]) == []
    assert read_calls(log, ["local-Rft"]) == [
        Call(role="Role", action="s3:GetObject", resource="*", by="call", allowed=False, by_hand=True),
        Call(role="Role", action="s3:GetObject", resource="arn:aws:s3:::Bucket/a1", by="call"),
    ]


def test_labels_and_short_names() -> None:
    assert label("prod/Rft/Training/Workflow/Handlers/Plan/Function/Role/DefaultPolicy/Resource") == (
        "Training/Workflow/Handlers/Plan"
    )
    assert short("arn:aws:s3:::DataDatasets1216192C/runs/*") == "arn:aws:s3:::DataDatasets/runs/*"
