"""The CDK app: every environment as a stage, or with `-c env=NAME` only that one; `-c pipeline=true`: a pipeline."""

import sys

import aws_cdk as cdk

from bedrock_rft import AssetError
from stacks.config import ENVIRONMENTS, choose
from stacks.pipeline_config import PIPELINE
from stacks.pipeline_stack import PipelineStack
from stacks.stage import RftStage


def main() -> str | None:
    """Synthesize; return an error for the shell, or None."""
    app = cdk.App(analytics_reporting=False)
    try:
        if app.node.try_get_context("pipeline"):
            promoted = [config for name in PIPELINE.environments for config in choose(ENVIRONMENTS, name)]
            PipelineStack(app, config=PIPELINE, environments=promoted)
        else:
            for config in choose(ENVIRONMENTS, app.node.try_get_context("env")):
                RftStage(app, config=config)
    except (AssetError, ValueError) as error:
        return f"error: {error}"
    app.synth()
    return None


if __name__ == "__main__":
    sys.exit(main())
