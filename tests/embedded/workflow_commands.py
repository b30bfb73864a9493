"""The commands of the GitHub workflows, executed on an embedded AWS, and the roles that they run under there."""

import json
import os
import shutil
import subprocess
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from aws_cdk import App
from aws_cdk.assertions import Template

from bedrock_rft import GithubRepository
from rft_cli.environment import Environment
from rft_contract.json_value import JsonObject
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.project import Project
from stacks.config import ENVIRONMENTS, choose
from stacks.github import Github
from stacks.stage import RftStage
from tests.embedded.checkout import use_app

ROOT = Path(__file__).parents[2]
PIPELINE_ROLES = "pipeline-roles"
"""Name of the stack with the roles of pipelines."""

_BUILDS = "codebuild.amazonaws.com"
COMMANDS: list[dict[str, str]] = json.loads((ROOT / "tests" / "cases" / "workflow_commands.json").read_text())


def give_checkout(project: Project, released: JsonObject) -> None:
    """Put what the workflows check out into a project, and one more recipe, named after its line.

    Args:
        project: Where.
        released: The recipe of a release.
    """
    use_app(project)
    for name in (".venv", "Makefile", "constructs", "examples", "lambda", "package.json"):
        (project.root / name).symlink_to(ROOT / name)
    (project.root / "recipes").mkdir()
    for recipe in (ROOT / "recipes").glob("*.yaml"):
        (project.root / "recipes" / recipe.name).symlink_to(recipe)
    (project.root / "recipes" / f"{released['line']}.yaml").write_text(json.dumps(released))


def execute(project: Project, line: str, command: str) -> subprocess.CompletedProcess[str]:
    """Execute a command of a workflow as GitHub's shell does, in the environment `local` instead of another.

    Args:
        project: The checkout, with an embedded AWS that runs.
        line: The model line.
        command: As the workflow has it. `make` believes that `make setup` ran, as it did.
    """
    local = command.replace("ENV=dev", "ENV=local").replace("--env dev", "--env local")
    local = local.replace("make ", "make -o .venv/.setup ", 1) if local.startswith("make ") else local
    environment = {**os.environ, "LINE": line, "FROM": "local", "TO": "local", "CDK_VALIDATION": "false"}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", local],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def carry_artifact(project: Project) -> None:
    """Do to `cdk.out` what `upload-artifact` and `download-artifact` do: no hidden files, no rights to execute."""
    carried = project.root / "carried"
    shutil.copytree(project.root / "cdk.out", carried, ignore=shutil.ignore_patterns(".*"))
    for path in carried.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(project.root / "cdk.out")
    carried.rename(project.root / "cdk.out")


def deploy_pipeline_roles(environment: Environment) -> dict[str, str]:
    """Deploy what pipelines get in the stack, the roles for GitHub and the one for `PipelineStack`, in a second stack.

    They have the rights of the app's template, on the resources that are deployed. Nobody here has a token of GitHub or
    another account, so they trust builds instead; whom the real roles trust, recorded claims try. The roles bear the
    logical ids that they have in the app's template, by which `benchmarks privileges` knows them.

    Args:
        environment: Where the same stack is deployed without them.

    Returns:
        Logical id -> ARN.
    """
    resources = _with_pipelines()
    names = _names(environment)
    policies = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::IAM::Policy"]
    trust = {"Effect": "Allow", "Principal": {"Service": _BUILDS}, "Action": "sts:AssumeRole"}
    roles = {
        role: {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Statement": [trust]},
                "Policies": [{"PolicyName": "granted", "PolicyDocument": _resolved(document, names, resources)}],
            },
        }
        for role, document in ((one["Roles"][0]["Ref"], one["PolicyDocument"]) for one in policies)
        if role.startswith("Pipelines")
    }
    outputs = {role: {"Value": {"Fn::GetAtt": [role, "Arn"]}} for role in roles}
    cloudformation = environment.aws.cloudformation
    body = json.dumps({"Resources": roles, "Outputs": outputs})
    cloudformation.create_stack(StackName=PIPELINE_ROLES, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=PIPELINE_ROLES, WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName=PIPELINE_ROLES)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def _with_pipelines() -> dict[str, Any]:
    """Return the resources of the stack as it is with GitHub and a pipeline."""
    (config,) = choose(ENVIRONMENTS, "local")
    github = Github(repository=GithubRepository(owner="acme", name="models"), pull_requests=True)
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    stage = RftStage(app, config=replace(config, github=github, pipeline_account="444444444444"))
    found: dict[str, Any] = Template.from_stack(stage.platform).to_json()["Resources"]
    return found


def _names(environment: Environment) -> dict[str, str]:
    """Return logical id -> physical id of what is deployed, with CloudFormation's own names."""
    pages = environment.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=environment.stack)
    deployed = {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for page in pages
        for item in page["StackResourceSummaries"]
    }
    stack = environment.aws.cloudformation.describe_stacks(StackName=environment.stack)["Stacks"][0]["StackId"]
    return {
        **deployed,
        "AWS::Partition": "aws",
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
        "AWS::StackId": stack,
    }


def _resolved(value: Any, names: dict[str, str], resources: dict[str, Any]) -> Any:
    match value:
        case {"Ref": str(name)}:
            return names[name]
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return _arn(resources[name]["Type"], names[name])
        case {"Fn::GetAtt": [str(name), "Name"]}:
            return names[name].rpartition(":")[2]
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(_resolved(part, names, resources) for part in parts)
        case dict():
            return {key: _resolved(item, names, resources) for key, item in value.items()}
        case list():
            return [_resolved(item, names, resources) for item in value]
        case _:
            return value


def _arn(kind: str, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return {
        "AWS::S3::Bucket": f"arn:aws:s3:::{name}",
        "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}",
        "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
    }[kind]


def as_role(environment: Environment, arn: str) -> boto3.Session:
    """Return a session of one of the roles of pipelines, as a build has it.

    Args:
        environment: Where the role is deployed.
        arn: The role.
    """
    return _session(environment, arn, _BUILDS)


def as_person(environment: Environment, person: str) -> boto3.Session:
    """Return a session of a new role that has one of the deployed policies for people and no other right.

    Args:
        environment: Where the policies are deployed.
        person: `Author`, `Operator`, `Approver` or `Auditor`.
    """
    name, policy = f"person-{person.lower()}", f"arn:aws:iam::{ACCOUNT}:policy/{environment.stack}-{person}"
    arn = _role(environment, name)
    environment.aws.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return _session(environment, arn, "lambda.amazonaws.com")


def _role(environment: Environment, name: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Statement": [trust]})
    return environment.aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]


def _session(environment: Environment, arn: str, service: str) -> boto3.Session:
    asked = {"role_arn": arn, "service": service, "source_arn": arn, "source_account": ACCOUNT}
    request = urllib.request.Request(
        f"{environment.aws.endpoint}/_rft/service-session", json.dumps(asked).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found = json.loads(answer.read())
    return boto3.Session(
        aws_access_key_id=found["access_key_id"],
        aws_secret_access_key=found["secret_access_key"],
        aws_session_token=found["session_token"],
        region_name=REGION,
    )
