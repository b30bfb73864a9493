"""The CDK app: every environment as a stage, or with `-c env=NAME` only that one."""

import sys

import aws_cdk as cdk

from bedrock_rft import AssetError
from stacks.config import ENVIRONMENTS, choose
from stacks.stage import RftStage


def main() -> str | None:
    """Synthesize; return an error for the shell, or None."""
    app = cdk.App(analytics_reporting=False)
    try:
        for config in choose(ENVIRONMENTS, app.node.try_get_context("env")):
            RftStage(app, config=config)
    except (AssetError, ValueError) as error:
        return f"error: {error}"
    app.synth()
    return None


if __name__ == "__main__":
    sys.exit(main())
