"""How an environment works together with a repository on GitHub."""

import re
from dataclasses import dataclass

from aws_cdk import CfnOutput, DefaultStackSynthesizer, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft import GithubRepository, GithubRoles, PromotionNotice, RunGrants


@dataclass(frozen=True, kw_only=True)
class Github:
    """The repository whose workflows deploy an environment and start its runs.

    Args:
        repository: The repository; on GitHub it has an environment of the same name as here.
        provider_arn: GitHub's identity provider in the account, when it has one: there can be no second. None: the
            stack makes it.
        pull_requests: Whether pull requests of the repository's own branches may look at what is deployed.
        token_secret: Name of the secret in Secrets Manager whose text is `Bearer TOKEN`, with which the repository is
            told of promotions. None: it is not told; people start the workflow.

    Raises:
        ValueError: When the secret is named otherwise than by its name.
    """

    repository: GithubRepository
    provider_arn: str | None = None
    pull_requests: bool = False
    token_secret: str | None = None

    def __post_init__(self) -> None:
        if self.token_secret is not None and not re.fullmatch(r"[\w/+=.@-]+", self.token_secret):
            raise ValueError(f"github: token_secret: got {self.token_secret!r}, wanted the name of a secret")


def let_github_in(
    scope: Construct,
    github: Github,
    environment: str,
    *,
    runs: RunGrants,
    bootstrap_qualifier: str | None,
    removal_policy: RemovalPolicy,
) -> PromotionNotice | None:
    """Define the roles of GitHub's workflows and tell their ARNs as outputs; return what tells GitHub of promotions.

    Args:
        scope: Where it belongs.
        github: The repository, and how far it is trusted.
        environment: The environment's name.
        runs: What runs need.
        bootstrap_qualifier: Of the CDK bootstrap whose roles deploy. None: the CDK's own.
        removal_policy: Of what GitHub was not told.
    """
    given = github.provider_arn
    roles = GithubRoles(
        scope,
        "Github",
        repository=github.repository,
        environment_name=environment,
        runs=runs,
        provider=iam.OidcProviderNative.from_oidc_provider_arn(scope, "Provider", given) if given else None,
        pull_requests=github.pull_requests,
        bootstrap_qualifier=bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER,
    )
    for name, role in (("Deploy", roles.deploy), ("Run", roles.run), ("Diff", roles.diff)):
        if role is not None:
            CfnOutput(Stack.of(scope), f"Github{name}Role", value=role.role_arn)
    if github.token_secret is None:
        return None
    return PromotionNotice(
        scope,
        "Notice",
        repository=github.repository,
        token_secret=github.token_secret,
        environment_name=environment,
        removal_policy=removal_policy,
    )
