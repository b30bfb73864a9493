"""No role of one environment reaches anything of another.

Across accounts, both the caller's policies and the resource's own must allow a call (IAM user guide, "Cross-account
policy evaluation logic"); what has no policy of its own cannot be reached from another account at all.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.security.rights import Template
from rft_local.emulator.policies import Question, identity_allows, resource_allows
from stacks.config import ENVIRONMENTS, choose

PAIRS = [("dev", "prod"), ("prod", "dev")]
POLICIES = {
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "sts:AssumeRole"),
    "AWS::KMS::Key": ("KeyPolicy", "kms:Decrypt"),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "s3:GetObject"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "sns:Publish"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "sqs:SendMessage"),
}


def template(platform: Callable[[str], Any], environment: str) -> Template:
    (config,) = choose(ENVIRONMENTS, environment)
    document = platform(environment).template.to_json()
    return Template(document, account=config.account, region=config.region, prefix=f"{environment}-")


def targets(owner: Template, account: str) -> Iterator[str]:
    """Yield the ARNs of what an environment has, and of what is born there at run time."""
    for name in owner.resources:
        arn = owner.arn(name)
        if arn:
            yield arn
            yield f"{arn}/runs/some-run/data/train.jsonl" if arn.startswith("arn:aws:s3:") else f"{arn}:run-some"
    for kind in ("custom-model", "custom-model-deployment", "model-customization-job", "inference-profile"):
        yield f"arn:aws:bedrock:us-east-1:{account}:{kind}/some"
    yield f"arn:aws:states:us-east-1:{account}:execution:prod-TrainingWorkflowStateMachine:some-run"
    yield f"arn:aws:ssm:us-east-1:{account}:parameter/prod-Rft/line/model"
    yield f"arn:aws:cloudwatch:us-east-1:{account}:alarm:prod-Rft-live-line"
    yield f"arn:aws:events:us-east-1:{account}:event-bus/default"
    yield f"arn:aws:logs:us-east-1:{account}:log-group:any:log-stream:any"


def resource_policies(owner: Template) -> Iterator[tuple[str, list[dict[str, Any]], str]]:
    """Yield logical id, statements and a telling action of each policy of a resource."""
    for kind, (document, action) in POLICIES.items():
        for name, resource in owner.of_type(kind):
            statements = owner.plain(resource["Properties"][document]["Statement"])
            # A role's trust policy names no resource: the role itself.
            yield name, [{"Resource": "*", **statement} for statement in statements], action


@pytest.mark.parametrize(("caller", "owner"), PAIRS)
def test_no_policy_of_a_role_names_what_another_environment_has(
    platform: Callable[[str], Any], caller: str, owner: str
) -> None:
    one, other = template(platform, caller), template(platform, owner)
    (config,) = choose(ENVIRONMENTS, owner)
    names = list(targets(other, config.account))
    assert len(names) > 150
    rights = [right for right in one.rights() if right.effect == "Allow" and right.resource != "*"]
    assert len(rights) > 250
    reached = {
        (right.role, right.action, name)
        for right in rights
        for name in names
        if name.split(":")[2] == right.action.partition(":")[0]
        and identity_allows([right.statement()], Question(one.arn(right.role), right.action, name))
    }
    assert reached == set()


@pytest.mark.parametrize(("caller", "owner"), PAIRS)
def test_no_policy_of_a_resource_admits_another_environment(
    platform: Callable[[str], Any], caller: str, owner: str
) -> None:
    one, other = template(platform, caller), template(platform, owner)
    found = list(resource_policies(other))
    assert len(found) > 30
    for role, _ in one.of_type("AWS::IAM::Role"):
        for name, statements, action in found:
            assert not resource_allows(statements, Question(one.arn(role), action, "*")), (role, name)


def test_the_same_role_is_admitted_at_home(platform: Callable[[str], Any]) -> None:
    prod = template(platform, "prod")
    (role,) = [name for name, _ in prod.of_type("AWS::IAM::Role") if "CustomizationRole" in name]
    rights = [right.statement() for right in prod.rights() if right.role == role]
    (bucket,) = [prod.arn(name) for name, _ in prod.of_type("AWS::S3::Bucket") if "AccessLogs" not in name]
    read = Question(prod.arn(role), "s3:GetObject", f"{bucket}/runs/some-run/data/train.jsonl")
    assert identity_allows(rights, read)
    keys = [statements for name, statements, _ in resource_policies(prod) if name.startswith("DataKey")]
    assert resource_allows(keys[0], Question(prod.arn(role), "kms:Decrypt", "*"))


def test_an_admission_would_be_found() -> None:
    stranger = Question("arn:aws:iam::111111111111:role/some", "s3:GetObject", "arn:aws:s3:::bucket/key")
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert resource_allows([open_to_all], stranger)
    account = {**open_to_all, "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}
    assert resource_allows([account], stranger)
    assert not resource_allows([{**account, "Principal": {"AWS": "arn:aws:iam::222222222222:root"}}], stranger)
