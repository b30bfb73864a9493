"""One environment as a deployable unit."""

from aws_cdk import PermissionsBoundary, Stage, Tags
from constructs import Construct

from stacks.config import RftConfig
from stacks.platform_stack import RftPlatformStack


class RftStage(Stage):
    """The platform in one environment; every resource carries the tags `app` and `env`, and those of the config."""

    def __init__(self, scope: Construct, *, config: RftConfig) -> None:
        """Define the environment; the stage's id is its name.

        Args:
            scope: The app.
            config: The environment's data.

        Raises:
            ValueError: When the policy of a key that exists must be changed first.
        """
        super().__init__(scope, config.environment, permissions_boundary=_boundary(config.permissions_boundary))
        self.platform = RftPlatformStack(self, "Rft", config=config)
        for name, value in {"app": "bedrock-rft", "env": config.environment, **config.tags}.items():
            Tags.of(self).add(name, value)


def _boundary(policy: str | None) -> PermissionsBoundary | None:
    """Return the boundary of every role, from the policy's name or ARN."""
    if policy is None:
        return None
    return PermissionsBoundary.from_arn(policy) if policy.startswith("arn:") else PermissionsBoundary.from_name(policy)
