"""The environments that are looked at: those of the app, and prod with everything on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template as Synthesized

from bedrock_rft import GithubRepository, Replication, RewardSpec
from benchmarks.result import ROOT
from benchmarks.security.findings import Acceptance, Finding, in_template, of_packs, unacknowledged
from benchmarks.security.rights import Template
from rft_contract.json_value import JsonObject
from stacks.config import ENVIRONMENTS, InvocationLogs, RftConfig, choose
from stacks.github import Github
from stacks.network import Network
from stacks.pipeline_config import PIPELINE
from stacks.pipeline_stack import PipelineStack
from stacks.stage import RftStage

EVERYTHING = "prod, everything on"
COPIES_ACCOUNT = "555555555555"


@dataclass(frozen=True)
class Examined:
    """An environment without its acknowledgements, and what they were.

    Args:
        name: What the environment is called.
        template: Its template.
        raised: What cdk-nag finds when nothing is acknowledged.
        accepted: What the constructs acknowledge, for cdk-nag and, in the template, for checkov and cfn-lint.
    """

    name: str
    template: dict[str, Any]
    raised: list[Finding]
    accepted: list[Acceptance]


def configurations() -> Iterator[tuple[str, RftConfig]]:
    """Yield name and configuration of every environment."""
    for config in ENVIRONMENTS:
        yield config.environment, config
    (prod,) = choose(ENVIRONMENTS, "prod")
    yield EVERYTHING, everything_on(prod)


def everything_on(config: RftConfig) -> RftConfig:
    """Return an environment with all that its configuration can turn on.

    Network, concurrency set aside, copies in another account, programs, judges, sampled logs, and roles for GitHub and
    for a pipeline.

    Args:
        config: The environment.
    """
    logs_key, copies_key = (
        f"arn:aws:kms:{config.region}:{account}:key/00000000-0000-0000-0000-000000000000"
        for account in (config.account, COPIES_ACCOUNT)
    )
    judge: JsonObject = {"model": "us.amazon.nova-2-lite-v1:0", "rubric": "summary"}
    rewards = (RewardSpec(name="programs", grader="code"), RewardSpec(name="summaries", grader="judge", options=judge))
    return replace(
        config,
        rewards=(*config.rewards, *rewards),
        network=Network(),
        reward_concurrency=10,
        handler_concurrency=2,
        replication=Replication(bucket_arn="arn:aws:s3:::copies-elsewhere", account=COPIES_ACCOUNT, key_arn=copies_key),
        invocation_logs=InvocationLogs(
            bucket="company-logs",
            prefix=f"AWSLogs/{config.account}/BedrockModelInvocationLogs/{config.region}/",
            key_arn=logs_key,
        ),
        github=Github(
            repository=GithubRepository(owner="example", name="rft"), pull_requests=True, token_secret="github-token"
        ),
        pipeline_account="444444444444",
    )


def as_recorded(config: RftConfig) -> RftConfig:
    """Return an environment under name, account and Region of the one whose calls are recorded.

    Args:
        config: The environment.
    """
    (local,) = choose(ENVIRONMENTS, "local")
    settings = replace(config.settings, environment=local.environment)
    return replace(config, settings=settings, account=local.account, region=local.region)


def pipeline() -> Template:
    """Return the template of the pipeline in AWS."""
    environments = [config for name in PIPELINE.environments for config in choose(ENVIRONMENTS, name)]
    document = Synthesized.from_stack(PipelineStack(_app(), config=PIPELINE, environments=environments)).to_json()
    return Template(document, account=PIPELINE.account, region=PIPELINE.region)


def synthesized(config: RftConfig) -> Template:
    """Return the template of an environment.

    Args:
        config: Its configuration.
    """
    document = Synthesized.from_stack(_stage(config)[1]).to_json()
    return Template(document, account=config.account, region=config.region)


def _stage(config: RftConfig) -> tuple[App, Stack]:
    """Define an environment in an app of its own."""
    app = _app()
    return app, RftStage(app, config=config).platform


def _app() -> App:
    """Return an app whose templates tell the paths of their constructs, as the CDK's command line makes them."""
    context = {**json.loads((ROOT / "cdk.json").read_text())["context"], "aws:cdk:enable-path-metadata": True}
    return App(context=context, analytics_reporting=False)


def examine(name: str, config: RftConfig) -> Examined:
    """Synthesize an environment and let cdk-nag look at it.

    Args:
        name: What to call it.
        config: Its configuration.
    """
    with unacknowledged() as accepted:
        app, platform = _stage(config)
    raised = of_packs(app)
    template = dict(Synthesized.from_stack(platform).to_json())
    return Examined(name, template, raised, sorted([*accepted, *in_template(template)]))
