"""What GitHub's workflows may do in an environment's account: three roles without a secret."""

from aws_cdk import DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.constraints import INLINE_POLICY
from bedrock_rft.github_repository import GithubRepository
from bedrock_rft.nag import accept
from bedrock_rft.run_grants import RunGrants
from rft_contract.naming import check_environment

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


class GithubRoles(Construct):
    """Three roles that jobs of one repository assume with the token that GitHub gives them, and nobody else.

    | Role | Subject of the token | May |
    |---|---|---|
    | `deploy` | `...:environment:<name>` | assume CDK's roles for deploying and for publishing files |
    | `run` | `...:environment:<name>` | start runs, upload datasets, read releases; deploys nothing |
    | `diff` | `...:pull_request` | assume CDK's role for looking at what is deployed |

    Trust is by `StringEquals` on audience and subject, without a wildcard. A job has the subject of an environment only
    when GitHub let it into that environment: put required reviewers and the branch `main` into its protection rules.
    Everybody who may push a branch may write a workflow that has the subject of a pull request, and CDK's lookup role
    reads nearly everything in the account that this key does not encrypt: leave `diff` out where that is too much.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: GithubRepository,
        environment_name: str,
        runs: RunGrants,
        provider: iam.IOidcProvider | None = None,
        pull_requests: bool = False,
        bootstrap_qualifier: str = DefaultStackSynthesizer.DEFAULT_QUALIFIER,
        session_duration: Duration | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
    ) -> None:
        """Define the roles.

        Args:
            scope: Where they belong: the stack that the workflows deploy.
            construct_id: Its id there.
            repository: Whose workflows.
            environment_name: Name of the environment, here and on GitHub.
            runs: The environment's parts that the role `run` works with.
            provider: GitHub's identity provider in this account, which can have only one. Default: - it is made.
            pull_requests: Whether there is a role `diff`. Default: False.
            bootstrap_qualifier: Of the CDK bootstrap whose roles deploy. Default: the CDK's own.
            session_duration: How long a session lasts, from one hour. Default: one hour.
            permissions_boundary: Of all roles. Default: none.
        """
        super().__init__(scope, construct_id)
        self._qualifier = bootstrap_qualifier
        name = check_environment(environment_name)
        self.provider: iam.IOidcProvider = provider or iam.OidcProviderNative(
            self, "Provider", url=f"https://{ISSUER}", client_ids=[AUDIENCE]
        )

        def role(child: str, description: str, subject: str) -> iam.Role:
            made = iam.Role(
                self,
                child,
                description=f"{description}; assumed by GitHub Actions of {repository.slug}",
                assumed_by=iam.OpenIdConnectPrincipal(
                    self.provider, {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}}
                ),
                max_session_duration=session_duration or Duration.hours(1),
                permissions_boundary=permissions_boundary,
            )
            accept(made, INLINE_POLICY)
            return made

        environment = repository.environment_subject(name)
        self.deploy = role("Deploy", f"Deploys environment {name}", environment)
        self._grant_assume(self.deploy, "deploy-role", "file-publishing-role")
        self.run = role("Run", f"Starts runs in environment {name} and reads its releases", environment)
        runs.grant_run(self.run)
        self.diff: iam.Role | None = None
        if pull_requests:
            self.diff = role("Diff", f"Compares environment {name} with pull requests", repository.pull_request_subject)
            self._grant_assume(self.diff, "lookup-role")

    def _grant_assume(self, role: iam.Role, *kinds: str) -> None:
        """Let a role assume roles that `cdk bootstrap` made; they alone have rights on CloudFormation and assets."""
        stack = Stack.of(self)
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["sts:AssumeRole"],
            resource_arns=[
                stack.format_arn(
                    service="iam",
                    region="",
                    resource="role",
                    resource_name=f"cdk-{self._qualifier}-{kind}-{stack.account}-{stack.region}",
                )
                for kind in kinds
            ],
        )
