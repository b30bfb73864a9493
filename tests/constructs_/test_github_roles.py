"""Who may assume the roles of GitHub's workflows, and what they may do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    GithubRepository,
    GithubRoles,
    HandlerPlatform,
    PlatformSettings,
    ReleaseKey,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftKey,
    RftTopic,
    RftWorkflow,
    RunGrants,
)

CASES = json.loads((Path(__file__).parents[1] / "cases" / "oidc_claims.json").read_text())
NAMES = GithubRepository(owner="acme", name="models")
NUMBERS = GithubRepository(owner="acme", name="models", owner_id=123456, repository_id=456789)
ISSUER = "token.actions.githubusercontent.com"


def built(
    new_stack: Callable[[], Stack],
    build: Callable[[Stack], Any],
    repository: GithubRepository = NAMES,
    **options: Any,
) -> Any:
    """Return a stack with the roles of an environment `staging`, the one for pull requests among them."""
    stack = new_stack()
    key, release_key = RftKey(stack, "Key"), ReleaseKey(stack, "ReleaseKey")
    datasets = DatasetBucket(stack, "Datasets", key=key)
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    rewards = [RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="staging")]
    workflow = RftWorkflow(
        stack,
        "Workflow",
        settings=PlatformSettings(environment="staging"),
        datasets=datasets,
        key=key,
        release_key=release_key,
        rewards=rewards,
        customization_role=CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=rewards),
        topic=RftTopic(stack, "Topic", key=key).topic,
        platform=HandlerPlatform.HOST,
    )
    runs = RunGrants(workflow=workflow, datasets=datasets, key=key, rewards=rewards)
    roles = {"repository": repository, "environment_name": "staging", "runs": runs, "pull_requests": True, **options}
    GithubRoles(stack, "Github", **roles)
    return build(stack)


@pytest.fixture(scope="module")
def named(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    return built(new_stack, build)


@pytest.fixture(scope="module")
def numbered(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    return built(new_stack, build, NUMBERS)


def roles(template: Any) -> dict[str, Any]:
    """Return the properties of the three roles by name."""
    return {
        name: template.properties("AWS::IAM::Role", f"Github{name.capitalize()}") for name in ("deploy", "run", "diff")
    }


def trusts(template: Any, role: Any, claims: dict[str, str]) -> bool:
    """Decide AssumeRoleWithWebIdentity as STS does: the provider vouches for the issuer, then the role's conditions.

    Whatever it does not know (another effect, operator or principal) is an error, so that no statement goes untested.
    """
    (provider_id, provider), *others = template.of_type("AWS::IAM::OIDCProvider").items()
    assert not others
    url, audiences = provider["Properties"]["Url"], provider["Properties"]["ClientIdList"]
    if claims["iss"] != url or claims.get("aud") not in audiences:
        return False
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"] == {"Federated": {"Ref": provider_id}}
    assert set(statement["Condition"]) == {"StringEquals"}
    prefix = url.removeprefix("https://")
    context = {f"{prefix}:{name}": value for name, value in claims.items()}
    return all(context.get(key) == wanted for key, wanted in statement["Condition"]["StringEquals"].items())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_claims(case: Any, named: Any, numbered: Any) -> None:
    template = numbered if case["numbers"] else named
    assert [name for name, role in roles(template).items() if trusts(template, role, case["claims"])] == case["may"]


def test_the_cases_try_every_role_and_every_refusal() -> None:
    assert {name for case in CASES for name in case["may"]} == {"deploy", "run", "diff"}
    assert len([case for case in CASES if not case["may"]]) >= 12


def test_trust_is_equality_without_a_wildcard(named: Any) -> None:
    for name, role in roles(named).items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        subject = "repo:acme/models:" + ("pull_request" if name == "diff" else "environment:staging")
        assert statement["Condition"] == {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
        }
        assert role["MaxSessionDuration"] == 3600
        assert "ManagedPolicyArns" not in role


def test_the_provider_is_cloudformations_own_resource(named: Any) -> None:
    assert named.only("AWS::IAM::OIDCProvider")["Properties"] == {
        "ClientIdList": ["sts.amazonaws.com"],
        "Url": f"https://{ISSUER}",
    }
    assert not [kind for kind in (item["Type"] for item in named.resources.values()) if kind.startswith("Custom::")]


def cdk_role(kind: str) -> str:
    return f"arn:<AWS::Partition>:iam::123456789012:role/cdk-hnb659fds-{kind}-123456789012-us-east-1"


def test_deploying_is_assuming_the_roles_of_cdk(named: Any) -> None:
    wanted = [cdk_role("deploy-role"), cdk_role("file-publishing-role")]
    assert named.statements("GithubDeploy") == [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": wanted}]


def test_a_diff_looks_and_does_nothing_else(named: Any) -> None:
    wanted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": cdk_role("lookup-role")}
    assert named.statements("GithubDiff") == [wanted]


def test_running_is_starting_and_reading(named: Any) -> None:
    (machine,) = (name for name in named.of_type("AWS::StepFunctions::StateMachine") if "Workflow" in name)
    (bucket,) = (name for name in named.of_type("AWS::S3::Bucket") if "AccessLogs" not in name)
    key, release_key = sorted(named.of_type("AWS::KMS::Key"))
    (reward,) = (name for name in named.of_type("AWS::Lambda::Function") if name.startswith("Reward"))
    executions = f"arn:<AWS::Partition>:states:us-east-1:123456789012:execution:<{machine}.Name>:*"

    def allow(action: Any, resource: Any, **conditions: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        return statement | ({"Condition": {"StringEquals": conditions}} if conditions else {})

    assert named.statements("GithubRun") == [
        allow("states:StartExecution", f"<{machine}>"),
        allow("states:DescribeStateMachine", f"<{machine}>"),
        allow("states:DescribeExecution", executions),
        allow("lambda:GetFunctionConfiguration", f"<{reward}.Arn>"),
        allow(
            "cloudformation:DescribeStacks", "arn:<AWS::Partition>:cloudformation:us-east-1:123456789012:stack/Test/*"
        ),
        allow("s3:ListBucket", f"<{bucket}.Arn>"),
        allow(["s3:GetObject", "s3:PutObject"], f"<{bucket}.Arn>/datasets/*"),
        allow("s3:GetObject", f"<{bucket}.Arn>/runs/*/run.json"),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], f"<{key}.Arn>", **via("s3")),
        allow("kms:Decrypt", f"<{key}.Arn>", **via("states")),
        allow("s3:GetObject", f"<{bucket}.Arn>/releases/*"),
        allow("kms:Decrypt", f"<{key}.Arn>", **via("s3")),
        allow(["kms:GetPublicKey", "kms:Verify"], f"<{release_key}.Arn>"),
    ]


def via(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}


def test_another_provider_boundary_session_and_bootstrap(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any]
) -> None:
    stack = new_stack()
    arn = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
    template = built(
        lambda: stack,
        build,
        provider=iam.OidcProviderNative.from_oidc_provider_arn(stack, "Given", arn),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "ci-boundary"),
        bootstrap_qualifier="acme",
        session_duration=Duration.hours(2),
        pull_requests=False,
    )
    assert not template.of_type("AWS::IAM::OIDCProvider")
    github = {name: role["Properties"] for name, role in template.of_type("AWS::IAM::Role").items() if "Github" in name}
    assert [name[:12] for name in github] == ["GithubDeploy", "GithubRun" + list(github)[1][9:12]]
    assert "cdk-acme-deploy-role-" in str(template.statements("GithubDeploy"))
    for role in github.values():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Federated": arn}
        assert "ci-boundary" in str(role["PermissionsBoundary"])
        assert role["MaxSessionDuration"] == 7200


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"owner": "acme/", "name": "models"}, "owner: got 'acme/'"),
        ({"owner": "acme", "name": "mod*"}, r"name: got 'mod\*'"),
        ({"owner": "acme", "name": "models", "owner_id": 1}, "wanted both or neither"),
    ],
)
def test_repositories_that_cannot_be(values: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GithubRepository(**values)
