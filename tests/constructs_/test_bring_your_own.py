"""Roles, keys and buckets that an app has already: they get the rights of made ones, and stay as they are."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    DatasetBucketBase,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftAlarms,
    RftKey,
    RftNetwork,
)
from tests.constructs_.test_monitoring import Monitored

LAKE = "arn:aws:s3:::company-lake"


@pytest.fixture
def lake(stack: Stack) -> DatasetBucketBase:
    """Return a bucket that exists, whose policy nobody says to keep."""
    key = RftKey(stack, "Key")
    return DatasetBucket.from_bucket(stack, "Datasets", s3.Bucket.from_bucket_arn(stack, "Lake", LAKE), key=key)


def errors(stack: Stack) -> list[str]:
    return [str(found.entry.data) for found in Annotations.from_stack(stack).find_error("*", Match.any_value())]


def test_a_bucket_of_the_app_gets_its_policy_and_nothing_else(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    key = RftKey(stack, "Key")
    bucket = s3.Bucket(stack, "Lake", encryption=s3.BucketEncryption.KMS, encryption_key=key.key)
    datasets = DatasetBucket.from_bucket(stack, "Datasets", bucket, key=key)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    datasets.grant_get(role, "datasets/*")
    datasets.reserve_releases(role)
    built = build(stack)
    ((name, resource),) = built.of_type("AWS::S3::Bucket").items()
    assert list(resource["Properties"]) == ["BucketEncryption"]
    assert built.statements("Role") == [
        {"Action": "s3:GetObject", "Effect": "Allow", "Resource": f"<{name}.Arn>/datasets/*"}
    ]
    (denied,) = flat(built.properties("AWS::S3::BucketPolicy"))["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Resource"]) == ("Deny", f"<{name}.Arn>/releases/*")
    assert datasets.access_logs is None
    assert errors(stack) == []


def test_what_the_policy_of_an_existing_bucket_lacks_is_an_error(stack: Stack, lake: DatasetBucketBase) -> None:
    lake.reserve_releases(iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    (text,) = errors(stack)
    assert text.startswith(f"add this statement to the policy of {LAKE} and then set")
    assert json.loads(text[text.index("{") : text.rindex("}") + 1])["Resource"] == f"{LAKE}/releases/*"


def test_an_existing_bucket_whose_policy_is_kept_elsewhere_is_silent(stack: Stack) -> None:
    key, bucket = RftKey(stack, "Key"), s3.Bucket.from_bucket_arn(stack, "Lake", LAKE)
    datasets = DatasetBucket.from_bucket(stack, "Datasets", bucket, key=key, bucket_policy_managed_elsewhere=True)
    datasets.reserve_releases(iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    assert errors(stack) == []


def test_a_bucket_that_encrypts_with_another_key_is_refused(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Lake", encryption=s3.BucketEncryption.KMS)
    with pytest.raises(ValueError, match="key: got Test/Key, wanted the key with which Test/Lake encrypts"):
        DatasetBucket.from_bucket(stack, "Datasets", bucket, key=RftKey(stack, "Key"))


def test_a_key_of_the_app_gets_the_statements_of_a_made_one(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    made, given = new_stack(), new_stack()
    RftKey(made, "Key")
    own = kms.Key(given, "Key")
    assert RftKey.from_key(given, "Rft", own).key is own
    policies = [flat(build(stack).properties("AWS::KMS::Key"))["KeyPolicy"] for stack in (made, given)]
    assert policies[0] == policies[1]


def test_a_key_whose_policy_is_out_of_reach_is_refused(stack: Stack) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    existing = kms.Key.from_key_arn(stack, "Company", arn)
    with pytest.raises(ValueError, match="key: got Test/Company, whose policy is kept elsewhere"):
        RftKey.from_key(stack, "Key", existing)


def reward_function(stack: Stack, role: iam.IRole | None, network: RftNetwork | None = None) -> RewardFunction:
    code = RewardCode.builtin(RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]}))
    return RewardFunction(stack, "Reward", code=code, environment_name="dev", role=role, network=network)


def statements_of(built: Any, role: str) -> list[Any]:
    return [one for name in built.of_type("AWS::IAM::Policy") if role in name for one in built.statements(name)]


def test_roles_of_the_app_may_what_made_ones_may(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    found = []
    for own in (False, True):
        stack = new_stack()
        key = RftKey(stack, "Key")
        datasets, network = DatasetBucket(stack, "Datasets", key=key), RftNetwork(stack, "Network")
        grader = iam.Role(stack, "Grader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")) if own else None
        trainer = iam.Role(stack, "Trainer", assumed_by=CustomizationRole.principal(stack)) if own else None
        reward = reward_function(stack, grader, network)
        role = CustomizationRole(
            stack, "Jobs", datasets=datasets, key=key, rewards=[reward], role=trainer, network=network
        )
        assert not own or (reward.role, role.role) == (grader, trainer)
        built = build(stack)
        roles = built.of_type("AWS::IAM::Role")
        (trust,) = (flat(roles[name]) for name in roles if name.startswith("Trainer" if own else "Jobs"))
        found.append(
            (
                len(roles),
                trust["Properties"]["AssumeRolePolicyDocument"],
                statements_of(built, "Grader" if own else "RewardFunctionRole"),
                statements_of(built, "Trainer" if own else "Jobs"),
            )
        )
    assert found[0] == found[1]
    assert found[0][2]
    assert found[0][3]


def test_a_role_that_exists_gets_the_rights_too(stack: Stack, build: Callable[[Stack], Any]) -> None:
    existing = iam.Role.from_role_arn(stack, "Company", "arn:aws:iam::123456789012:role/grader")
    reward_function(stack, existing, RftNetwork(stack, "Network"))
    built = build(stack)
    (policy,) = (one["Properties"] for one in built.of_type("AWS::IAM::Policy").values() if "grader" in str(one))
    assert policy["Roles"] == ["grader"]
    assert [one.get("Sid") for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"] == [
        "NoInterfacesFromInside"
    ]


def test_alarms_tell_a_topic_of_the_app(stack: Stack, build: Callable[[Stack], Any]) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:on-call"
    watched = Monitored(stack)
    RftAlarms(
        stack,
        "Alarms",
        rewards=watched.rewards,
        workflow=watched.workflow,
        topic=sns.Topic.from_topic_arn(stack, "OnCall", arn),
    )
    found = [one["Properties"]["AlarmActions"] for one in build(stack).of_type("AWS::CloudWatch::Alarm").values()]
    assert found
    assert all(actions == [arn] for actions in found)
