"""Roles, keys and buckets that an app has already: they get the rights of made ones, and stay as they are."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    DatasetBucketBase,
    DatasetChecks,
    HandlerPlatform,
    InvocationLogSampler,
    PlatformSettings,
    ReleaseKey,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftAlarms,
    RftKey,
    RftNetwork,
    RftTopic,
    RftWorkflow,
)
from tests.constructs_.conftest import errors
from tests.constructs_.test_monitoring import Monitored

LAKE = "arn:aws:s3:::company-lake"


@pytest.fixture
def lake(stack: Stack) -> DatasetBucketBase:
    """Return a bucket that exists, whose policy nobody says to keep."""
    key = RftKey(stack, "Key")
    return DatasetBucket.from_bucket(stack, "Datasets", s3.Bucket.from_bucket_arn(stack, "Lake", LAKE), key=key)


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


def test_an_alias_is_no_key(stack: Stack) -> None:
    alias = kms.Alias(stack, "Company", alias_name="alias/company", target_key=kms.Key(stack, "Own"))
    with pytest.raises(ValueError, match="key: got the alias Test/Company, wanted the key itself"):
        RftKey.from_key(stack, "Key", alias)


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


def test_a_plain_topic_whose_key_close_could_not_use_is_refused(stack: Stack) -> None:
    key = RftKey(stack, "Key")
    datasets, reward = DatasetBucket(stack, "Datasets", key=key), reward_function(stack, None)
    with pytest.raises(ValueError, match=r"topic: got Test/OnCall, .* than Test/Key; wanted RftTopic\.from_topic"):
        RftWorkflow(
            stack,
            "Workflow",
            settings=PlatformSettings(environment="dev"),
            datasets=datasets,
            key=key,
            rewards=[reward],
            customization_role=CustomizationRole(stack, "Jobs", datasets=datasets, key=key, rewards=[reward]),
            topic=sns.Topic(stack, "OnCall", master_key=kms.Key(stack, "OnCallKey")),
            platform=HandlerPlatform.HOST,
        )


def test_functions_of_the_data_take_roles_of_the_app(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    found = []
    for own in (False, True):
        stack = new_stack()
        key = RftKey(stack, "Key")
        datasets = DatasetBucket(stack, "Datasets", key=key)
        names = ("Checker", "Sampler", "Mapper")
        roles = [
            iam.Role(stack, name, assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com")) if own else None
            for name, service in zip(names, ("lambda", "lambda", "states"), strict=True)
        ]
        common: dict[str, Any] = {"datasets": datasets, "key": key, "environment_name": "dev"}
        checks = DatasetChecks(stack, "Checks", role=roles[0], platform=HandlerPlatform.HOST, **common)
        sampler = InvocationLogSampler(
            stack,
            "Logs",
            logs_bucket=s3.Bucket.from_bucket_name(stack, "InvocationLogs", "company-logs"),
            logs_prefix="AWSLogs/",
            role=roles[1],
            state_machine_role=roles[2],
            platform=HandlerPlatform.HOST,
            **common,
        )
        assert not own or [checks.check.role, sampler.sample.role, sampler.state_machine.role] == roles
        built = build(stack)
        assert len(built.of_type("AWS::IAM::Role")) == 3
        policies = [one["Properties"]["PolicyDocument"] for one in built.of_type("AWS::IAM::Policy").values()]
        found.append(
            sorted(re.sub(r"[0-9A-F]{8}\b|(?<=CurrentVersion)\w+", "", json.dumps(flat(one))) for one in policies)
        )
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_a_workflow_takes_the_topic_the_role_and_the_release_key_of_the_app(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    key = RftKey(stack, "Key")
    datasets = DatasetBucket(stack, "Datasets", key=key)
    on_call_key = kms.Key(stack, "OnCallKey")
    topic = sns.Topic(stack, "OnCall", master_key=on_call_key)
    signing = kms.Key(stack, "Signing", key_spec=kms.KeySpec.ECC_NIST_P256, key_usage=kms.KeyUsage.SIGN_VERIFY)
    trainer = "arn:aws:iam::123456789012:role/trainer"
    RftWorkflow(
        stack,
        "Workflow",
        settings=PlatformSettings(environment="dev"),
        datasets=datasets,
        key=key,
        rewards=[reward_function(stack, None)],
        customization_role=CustomizationRole.from_role_arn(stack, "Jobs", trainer),
        topic=RftTopic.from_topic(stack, "Topic", topic, key=RftKey.from_key(stack, "TopicKey", on_call_key)),
        release_key=ReleaseKey.from_key(stack, "ReleaseKey", signing),
        platform=HandlerPlatform.HOST,
    )
    built = build(stack)
    (topic_id,) = built.of_type("AWS::SNS::Topic")
    keys = {name.rstrip("0123456789ABCDEF"): f"<{name}.Arn>" for name in built.of_type("AWS::KMS::Key")}
    assert set(keys) == {"Key", "OnCallKey", "Signing"}
    close = statements_of(built, "HandlersClose")
    assert {"Action": "sns:Publish", "Effect": "Allow", "Resource": f"<{topic_id}>"} in close
    assert {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Effect": "Allow",
        "Resource": keys["OnCallKey"],
        "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": f"<{topic_id}>"}},
    } in close
    passed = [one for one in statements_of(built, "HandlersTrainStart") if one["Action"] == "iam:PassRole"]
    assert [one["Resource"] for one in passed] == [trainer]
    policy = flat(built.properties("AWS::KMS::Key", "Signing"))["KeyPolicy"]["Statement"]
    assert [one.get("Sid") for one in policy] == [None, "SigningIsForPromotion"]
    assert errors(stack) == []
