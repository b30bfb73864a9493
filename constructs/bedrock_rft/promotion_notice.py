"""Telling a repository on GitHub that a model was promoted, so that a workflow there can take it further."""

from aws_cdk import Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.constraints import INLINE_POLICY
from bedrock_rft.dead_letters import dead_letters
from bedrock_rft.github_repository import GithubRepository
from bedrock_rft.nag import accept
from rft_contract.naming import check_environment
from rft_contract.release_events import PROMOTED, SOURCE

EVENT_TYPE = "rft-model-promoted"
"""`on.repository_dispatch.types` of the workflow that shall hear of it."""

_TOLD = ("environment", "line", "release", "run")


class PromotionNotice(Construct):
    """A rule that turns an environment's event `RFT Model Promoted` into a `repository_dispatch` on GitHub.

    The workflow hears which line and release, and has to believe none of it: it verifies the release's evidence. What
    GitHub does not take within a day waits in `dead_letters`; a person can start the workflow by hand instead.
    Sources: GitHub REST API, "Create a repository dispatch event" (at most 10 properties of `client_payload`);
    EventBridge user guide, "API destinations".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: GithubRepository,
        token_secret: str,
        environment_name: str,
        role: iam.IRole | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the rule and the way to GitHub.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            repository: Who is told.
            token_secret: Name or ARN of a secret in Secrets Manager whose text is `Bearer TOKEN`. The token needs the
                right `contents: write` on this one repository, which is why its default branch must be protected.
                CloudFormation reads it when it deploys; the template holds the name alone.
            environment_name: The environment whose promotions are told.
            role: A role of yours that trusts EventBridge, for this rule alone; it may call the one destination.
                Default: - a new one.
            removal_policy: Of the dead letters. Default: RETAIN.

        Raises:
            ValueError: When there is no secret, or the environment's name cannot be one.
        """
        super().__init__(scope, construct_id)
        if not token_secret:
            raise ValueError("token_secret: got none, wanted the name or ARN of a secret in Secrets Manager")
        connection = events.Connection(
            self,
            "Connection",
            authorization=events.Authorization.api_key("Authorization", SecretValue.secrets_manager(token_secret)),
            description=f"GitHub, repository {repository.slug}",
        )
        destination = events.ApiDestination(
            self,
            "Destination",
            connection=connection,
            endpoint=f"https://api.github.com/repos/{repository.slug}/dispatches",
            description=f"Starts workflows of {repository.slug}",
            http_method=events.HttpMethod.POST,
            rate_limit_per_second=1,
        )
        self.dead_letters = dead_letters(self, retention=Duration.days(14), removal_policy=removal_policy)
        self.rule = events.Rule(
            self,
            "Promoted",
            description=f"Tells {repository.slug} of a promotion",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=[PROMOTED],
                detail={"environment": [check_environment(environment_name)]},
            ),
        )
        role = role or self._new_role(repository)
        iam.Grant.add_to_principal(
            grantee=role, actions=["events:InvokeApiDestination"], resource_arns=[destination.api_destination_arn]
        )
        payload = {name: events.EventField.from_path(f"$.detail.{name}") for name in _TOLD}
        self.rule.add_target(
            targets.ApiDestination(
                destination,
                dead_letter_queue=self.dead_letters,
                event=events.RuleTargetInput.from_object({"event_type": EVENT_TYPE, "client_payload": payload}),
                event_role=role,
                header_parameters={"X-GitHub-Api-Version": "2022-11-28"},
                max_event_age=Duration.hours(24),
                retry_attempts=185,
            )
        )

    def _new_role(self, repository: GithubRepository) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description=f"Lets one rule call the API of {repository.slug}",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
            ),
        )
        accept(role, INLINE_POLICY)
        return role

    def metric_not_told(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many promotions wait in the dead letters.

        Args:
            period: Default: 5 minutes.
        """
        return self.dead_letters.metric_approximate_number_of_messages_visible(period=period or Duration.minutes(5))
