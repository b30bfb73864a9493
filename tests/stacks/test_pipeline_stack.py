"""The pipeline in AWS: what it does in which order, and what an environment lets it do."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from stacks.config import ENVIRONMENTS, choose
from stacks.pipeline_config import PIPELINE
from stacks.pipeline_stack import PipelineStack
from stacks.stage import RftStage

ROOT = Path(__file__).resolve().parents[2]
PROMOTED = [config for name in ("dev", "staging") for config in choose(ENVIRONMENTS, name)]
"""The first has nothing to verify, every later one is alike."""
OF_CDK = {
    r"S1": "what is built lies a while in the artifacts' bucket, whose readers are the pipeline's own builds",
    r"IAM5\[Action::(s3|kms):\w+\*\]": "actions that CDK Pipelines grants on the artifacts' bucket and its key",
    r"IAM5\[Resource::<PipelineArtifactsBucket\w+\.Arn>/\*\]": "artifacts are named by the pipeline as it runs",
    r"IAM5\[Resource::arn:aws:(logs|codebuild):[^]]+:(log|report)-group[^]]+\]": "logs and reports of builds",
    r"IAM5\[Resource::(arn:\*:iam::444444444444:role/)?\*\]": "which roles of the bootstrap it assumes, tags tell",
}
"""Findings of AwsSolutions that come with CDK Pipelines, whatever one builds with it."""


@pytest.fixture(scope="module")
def app() -> App:
    made = App(context=json.loads((ROOT / "cdk.json").read_text())["context"], analytics_reporting=False)
    PipelineStack(made, config=PIPELINE, environments=PROMOTED)
    return made


@pytest.fixture(scope="module")
def resources(app: App) -> dict[str, Any]:
    found: dict[str, Any] = Template.from_stack(app.node.find_child("Pipeline")).to_json()["Resources"]  # type: ignore[arg-type]  # the child is a stack
    return found


def of_type(resources: dict[str, Any], kind: str) -> list[Any]:
    return [item["Properties"] for item in resources.values() if item["Type"] == kind]


def actions(resources: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names of each stage's actions in the order in which they run."""
    (pipeline,) = of_type(resources, "AWS::CodePipeline::Pipeline")
    return {
        stage["Name"]: [
            action["Name"] for action in sorted(stage["Actions"], key=lambda action: action.get("RunOrder", 1))
        ]
        for stage in pipeline["Stages"]
    }


def test_each_environment_is_approved_verified_deployed_and_run(resources: dict[str, Any]) -> None:
    stages = actions(resources)
    assert list(stages) == ["Source", "Build", "UpdatePipeline", "Assets", "dev", "staging"]
    assert stages["dev"] == ["Rft.Prepare", "Rft.Deploy", "Run-dev"]
    assert stages["staging"] == ["Approve-staging", "Verify-dev", "Rft.Prepare", "Rft.Deploy", "Run-staging"]


def commands(resources: dict[str, Any]) -> list[str]:
    """Return every command of every build."""
    projects = of_type(resources, "AWS::CodeBuild::Project")
    specs = [json.loads(project["Source"]["BuildSpec"]) for project in projects if "BuildSpec" in project["Source"]]
    return [command for spec in specs for phase in spec["phases"].values() for command in phase.get("commands", [])]


def test_it_synthesizes_once_with_the_pinned_command_line(resources: dict[str, Any]) -> None:
    said = commands(resources)
    assert said.count("make synth PIPELINE=1") == 1
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert [command for command in said if "aws-cdk@" in command] == [f"npm install -g aws-cdk@{pinned}"]


def test_builds_start_runs_and_verify_evidence(resources: dict[str, Any]) -> None:
    assert sorted(command for command in commands(resources) if command.startswith(".venv/bin/rft")) == [
        ".venv/bin/rft release verify routing-nova --env dev --stack dev-Rft --recipe recipes/routing-nova.yaml "
        "--current-reward",
        ".venv/bin/rft run recipes/routing-nova.yaml --env dev --stack dev-Rft --detach",
        ".venv/bin/rft run recipes/routing-nova.yaml --env staging --stack staging-Rft --detach",
    ]


def test_a_build_acts_in_its_environment_alone(resources: dict[str, Any]) -> None:
    assumed = {
        statement["Resource"]
        for policy in of_type(resources, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "sts:AssumeRole" and str(statement["Resource"]).endswith("-pipeline")
    }
    assert assumed == {f"arn:aws:iam::{config.account}:role/{config.environment}-Rft-pipeline" for config in PROMOTED}


def test_nothing_is_open_but_what_comes_with_cdk_pipelines(app: App) -> None:
    found = {
        (violation.rule_name.removeprefix("AwsSolutions-"), str(resource.construct_path))
        for violation in AwsSolutionsChecks(app).validate_scope(app).violations
        for resource in violation.violating_resources
    }
    assert len(found) > 40
    assert [one for one in found if not any(re.fullmatch(pattern, one[0]) for pattern in OF_CDK)] == []
    assert [pattern for pattern in OF_CDK if not any(re.fullmatch(pattern, rule) for rule, _ in found)] == []
    anything = {path.split("/")[2] for rule, path in found if rule.endswith("::*]") or "role/*]" in rule}
    assert anything == {"Assets", "UpdatePipeline"}, "builds that start runs and verify have no such rights"


def test_the_source_is_the_configured_connection(resources: dict[str, Any]) -> None:
    (pipeline,) = of_type(resources, "AWS::CodePipeline::Pipeline")
    (source,) = pipeline["Stages"][0]["Actions"]
    assert source["Configuration"]["ConnectionArn"] == PIPELINE.connection_arn
    assert source["Configuration"]["FullRepositoryId"] == PIPELINE.repository
    assert source["Configuration"]["BranchName"] == "main"
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"


def test_the_pipeline_deploys_the_stage_that_the_app_deploys(app: App, platform: Callable[[str], Any]) -> None:
    environment = "dev"
    stage = app.node.find_child("Pipeline").node.find_child(environment)
    assert isinstance(stage, RftStage)
    assert stage.platform.stack_name == f"{environment}-Rft"
    here, there = Template.from_stack(stage.platform).to_json()["Resources"], platform(environment).resources
    # CDK puts the whole path of a rule into the ids of its permissions: they are exchanged when a pipeline takes over.
    exchanged = {name for name, resource in here.items() if resource["Type"] == "AWS::Lambda::Permission"}
    only_here = here.keys() - there.keys() - exchanged
    assert sorted(here[name]["Type"] for name in only_here) == ["AWS::IAM::Policy", "AWS::IAM::Role"]
    assert {there[name]["Type"] for name in there.keys() - here.keys()} == {"AWS::Lambda::Permission"}
    (role,) = (name for name in only_here if here[name]["Type"] == "AWS::IAM::Role")
    properties = here[role]["Properties"]
    assert properties["RoleName"] == f"{environment}-Rft-pipeline"
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    (pattern,) = statement["Condition"]["ArnLike"].values()
    assert "444444444444" in json.dumps(statement["Principal"])
    assert re.search(r":iam::444444444444:role/Pipeline-\*", json.dumps(pattern))


def test_it_promotes_every_environment_but_the_embedded_one() -> None:
    assert list(PIPELINE.environments) == [one.environment for one in ENVIRONMENTS if one.environment != "local"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"account": "4444"}, "pipeline: account: got '4444', wanted 12 digits"),
        ({"connection_arn": "arn:aws:s3:::b"}, "pipeline: connection_arn: got"),
        ({"repository": "models"}, "pipeline: repository: got 'models', wanted owner/name"),
        ({"lines": ()}, "pipeline: lines: got none"),
    ],
)
def test_refusals(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(PIPELINE, **changes)


def test_the_app_makes_it_instead_of_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import app as root

    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    given = {"context": flags | {"pipeline": "true"}, "outdir": str(tmp_path)}
    monkeypatch.setattr("aws_cdk.App", lambda **options: App(**given, **options))
    monkeypatch.setattr(root, "PIPELINE", replace(PIPELINE, environments=("dev",)))
    assert root.main() is None
    stacks = [
        item["properties"].get("stackName", name)
        for name, item in json.loads((tmp_path / "manifest.json").read_text())["artifacts"].items()
        if item["type"] == "aws:cloudformation:stack"
    ]
    assert stacks == ["Pipeline"]
    assert (tmp_path / "assembly-Pipeline-dev" / "manifest.json").exists()
