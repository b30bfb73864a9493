"""One environment as a deployable unit."""

from aws_cdk import Stage, Tags
from constructs import Construct

from stacks.config import RftConfig
from stacks.platform_stack import RftPlatformStack


class RftStage(Stage):
    """The platform in one environment; every resource carries the tags `app` and `env`."""

    def __init__(self, scope: Construct, *, config: RftConfig) -> None:
        """Define the environment; the stage's id is its name.

        Args:
            scope: The app.
            config: The environment's data.
        """
        super().__init__(scope, config.environment)
        self.platform = RftPlatformStack(self, "Rft", config=config)
        Tags.of(self).add("app", "bedrock-rft")
        Tags.of(self).add("env", config.environment)
