"""Promotion through CDK Pipelines: every environment after the one before, its evidence verified and approved."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk.pipelines import CodeBuildStep, CodePipeline, CodePipelineSource, ManualApprovalStep, ShellStep, Step
from constructs import Construct

from stacks.config import RftConfig
from stacks.pipeline_config import PIPELINE_STACK, PipelineConfig
from stacks.pipeline_role import pipeline_role_arn
from stacks.stage import RftStage

_PACKAGE = Path(__file__).parents[1] / "package.json"


class PipelineStack(Stack):
    """Synthesizes once; then, environment by environment: approve, verify what the one before released, deploy, run."""

    def __init__(self, scope: Construct, *, config: PipelineConfig, environments: Sequence[RftConfig]) -> None:
        """Define the pipeline; the stack's id is `Pipeline`.

        Args:
            scope: The app.
            config: The pipeline's data.
            environments: In the order of promotion.
        """
        place = Environment(account=config.account, region=config.region)
        super().__init__(scope, PIPELINE_STACK, description="Promotes reinforcement fine-tuning", env=place)
        self._config = config
        self._source = CodePipelineSource.connection(
            config.repository,
            config.branch,
            connection_arn=config.connection_arn,
            code_build_clone_output=True,  # verifying asks Git when a recipe was committed
        )
        python = codebuild.BuildSpec.from_object({"phases": {"install": {"runtime-versions": {"python": "3.12"}}}})
        pipeline = CodePipeline(
            self,
            "Resource",
            synth=ShellStep("Synth", input=self._source, commands=["make setup", "make synth PIPELINE=1"]),
            cli_version=json.loads(_PACKAGE.read_text())["devDependencies"]["aws-cdk"],
            code_build_defaults={"partial_build_spec": python, "timeout": Duration.hours(1)},
            cross_account_keys=True,
            enable_key_rotation=True,
            pipeline_type=codepipeline.PipelineType.V2,
        )
        before: RftConfig | None = None
        for environment in environments:
            stage = RftStage(self, config=replace(environment, pipeline_account=config.account))
            pipeline.add_stage(stage, pre=self._gate(before, environment), post=[self._step("Run", environment)])
            before = environment

    def _gate(self, before: RftConfig | None, environment: RftConfig) -> list[Step]:
        """Return what must happen before an environment is deployed: nothing for the first; at most 7 days later."""
        if before is None:
            return []
        what = f"deploy {environment.environment} and train there what {before.environment} released"
        approval = ManualApprovalStep(f"Approve-{environment.environment}", comment=what)
        return list(Step.sequence([approval, self._step("Verify", before)]))

    def _step(self, verb: str, environment: RftConfig) -> CodeBuildStep:
        """Return a build that acts in an environment, through the role that its stack made for the pipeline."""
        name = environment.environment
        command = {
            "Run": ".venv/bin/rft run recipes/{line}.yaml {where} --detach",
            "Verify": ".venv/bin/rft release verify {line} {where} --recipe recipes/{line}.yaml --current-reward",
        }[verb]
        where = f"--env {name} --stack {environment.stack_name}"
        role = pipeline_role_arn(environment.account, environment.stack_name)
        return CodeBuildStep(
            f"{verb}-{name}",
            input=self._source,
            install_commands=["make setup", f".venv/bin/python -m stacks.config profile {name} > aws.ini"],
            commands=[command.format(line=line, where=where) for line in self._config.lines],
            env={"AWS_CONFIG_FILE": "aws.ini"},
            role_policy_statements=[iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[role])],
        )
