"""The commands of the GitHub workflows on an embedded AWS, and the roles that they run under there."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.environment import Aws, Environment
from rft_cli.execution import executions, stop
from rft_cli.model_list import list_models
from rft_cli.prompt_search import find_traces
from rft_cli.prompt_traces import Wanted as Prompts
from rft_cli.recipe_file import read_recipe
from rft_cli.release_verification import Wanted, key_to_believe, verify_in_place
from rft_cli.releases import list_releases
from rft_cli.rollback import roll_back
from rft_cli.run_list import list_runs
from rft_cli.run_plan import foretell
from rft_cli.run_start import deployed_reward_hash, local_files, start_once, start_run
from rft_cli.snapshot import look
from rft_contract.layout import RunKeys, certificate_key
from rft_local.cdk import Cdk
from rft_local.project import Project
from rft_runtime.report import decode_report
from rft_runtime.run_record import DatasetUse, RunStore
from tests.embedded.deployed import LINE, PORT, decided, environment, project, promote, pytestmark, rft
from tests.embedded.workflow_commands import (
    COMMANDS,
    as_person,
    as_role,
    carry_artifact,
    deploy_pipeline_roles,
    execute,
    give_checkout,
)

__all__ = ["environment", "project", "pytestmark"]


@pytest.fixture(scope="module")
def released(environment: Environment) -> Environment:
    """Return the environment after a promotion whose run was made with the reward that is deployed."""
    decided(environment, "first")
    reward, data = deployed_reward_hash(environment, "routing"), "0" * 64
    used = {name: DatasetUse(address=f"s3://bucket/{name}", sha256=data, rows=2) for name in ("train", "held_out")}
    RunStore(environment.bucket).set("first", datasets=used, reward_hash=reward)
    environment.bucket.write(certificate_key(reward, data), b'{"verdict":"PASSED"}')
    assert promote(environment, "first")["outcome"] == "PROMOTED"
    return environment


@pytest.fixture(scope="module")
def executed(released: Environment, project: Project) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return what each command did, executed one after another as the workflows do."""
    give_checkout(project, RunStore(released.bucket).load("first").recipe)
    done = {}
    for command in (one["run"] for one in COMMANDS if one["by"] == "embedded"):
        done[command] = execute(project, LINE if "release verify" in command else "routing", command)
        assert done[command].returncode == 0, f"{command}: {done[command].stdout}{done[command].stderr}"
        if command == "make synth":
            carry_artifact(project)
    return done


def only(executed: dict[str, subprocess.CompletedProcess[str]], *words: str) -> list[str]:
    """Return what the commands that begin with some words said, each once or more."""
    found = [done.stdout + done.stderr for command, done in executed.items() if command.startswith(words)]
    assert found
    return found


def test_what_was_synthesized_is_compared_and_deployed(executed: Any, project: Project) -> None:
    comment = (project.root / "out" / "diff-local.md").read_text()
    assert comment.startswith("### What this would change in `local`\n\n````\n")
    assert comment.endswith("\n````\n")
    assert "local-Rft" in comment
    first, second = only(executed, "make deploy")
    assert "local-Rft" in first
    assert "no changes" in second  # the same assembly, once more


def test_a_detached_run_is_started_once(executed: Any, released: Environment, project: Project) -> None:
    first, second = [done for command, done in executed.items() if command.startswith(".venv/bin/rft run")]
    assert first.stdout == second.stdout
    assert "was run before" not in first.stderr
    assert "was run before with the same data and reward" in second.stderr
    run_id = first.stdout.strip()
    assert [found.run_id for found in executions(released) if found.run_id.startswith("routing-")] == [run_id]
    assert rft(project, "stop", run_id).returncode == 0


def test_the_evidence_of_the_recipes_release_is_verified(executed: Any) -> None:
    (said,) = only(executed, ".venv/bin/rft release verify")
    assert "failed" not in said


@pytest.fixture(scope="module")
def roles(executed: Any, released: Environment) -> dict[str, Environment]:
    """Return the environment with the rights of each role that pipelines have in it, by ids without the CDK's hash."""
    return {
        role[:-8]: replace(released, aws=Aws(as_role(released, arn), released.aws.endpoint))
        for role, arn in deploy_pipeline_roles(released).items()
    }


def recipe_with_own_data(project: Project, name: str, left_out: int) -> Path:
    """Return a recipe like that for orders, whose training data lack some rows: they are not uploaded yet."""
    recipes = project.root / "recipes"
    rows = (project.root / "examples" / "orders" / "train.jsonl").read_text().splitlines(keepends=True)
    (recipes / f"{name}.jsonl").write_text("".join(rows[:-left_out]))
    text = (recipes / "orders.yaml").read_text().replace("../examples/orders/train.jsonl", f"{name}.jsonl")
    path = recipes / f"{name}.yaml"
    path.write_text(text.replace("line: orders", f"line: {name.lower()}"))
    return path


def refused(operation: Any, **request: Any) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        operation(**request)


@pytest.mark.parametrize(("role", "left_out"), [("PipelinesGithubRun", 1), ("PipelinesRole", 2)])
def test_a_role_for_runs_starts_runs_and_verifies_releases_and_nothing_else(
    roles: dict[str, Environment], released: Environment, project: Project, role: str, left_out: int
) -> None:
    own = roles[role]
    assert own.aws.cloudformation.describe_stacks(StackName=own.stack)["Stacks"]  # what commands begin with
    path = recipe_with_own_data(project, role, left_out)
    recipe = read_recipe(path)
    started = start_once(own, recipe, path.parent, before_upload=lambda: foretell(own, recipe, path.parent))
    assert started.is_new
    assert start_once(own, recipe, path.parent) == replace(started, is_new=False)
    verified = verify_in_place(own, key_to_believe(None, own), Wanted(line=LINE))
    assert verified.statement is not None
    outputs = released.outputs
    refused(own.aws.s3.put_object, Bucket=outputs.bucket, Key=f"releases/{LINE}/current.json", Body=b"{}")
    refused(own.aws.s3.get_object, Bucket=outputs.bucket, Key=f"runs/{started.run_id}/report.json")
    refused(own.aws.functions.invoke, FunctionName=outputs.rollback_function)
    refused(own.aws.states.stop_execution, executionArn=outputs.state_machine_arn)
    refused(own.aws.cloudformation.delete_stack, StackName=released.stack)
    assert rft(project, "stop", started.run_id).returncode == 0


def cdk(project: Project, environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the CDK command line on the assembly, with an environment's credentials."""
    variables = {**Cdk(project, PORT).environment, **environment.aws.variables(), "CDK_VALIDATION": "false"}
    return subprocess.run(
        [str(project.cdk), *arguments, "local/*", "--app", "cdk.out", "--no-notices"],
        cwd=project.root,
        env=variables,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_roles_deploy_and_diff_are_enough_for_cdk(
    roles: dict[str, Environment], released: Environment, project: Project
) -> None:
    deploying, looking = roles["PipelinesGithubDeploy"], roles["PipelinesGithubDiff"]
    deployed = cdk(project, deploying, "deploy", "--require-approval", "never")
    assert deployed.returncode == 0, deployed.stderr
    compared = cdk(project, looking, "diff", "--method", "template")
    assert compared.returncode == 0, compared.stderr
    assert cdk(project, looking, "deploy", "--require-approval", "never").returncode != 0
    for own in (deploying, looking):
        refused(own.aws.states.start_execution, stateMachineArn=released.outputs.state_machine_arn)
        refused(own.aws.s3.list_objects_v2, Bucket=released.outputs.bucket)


@pytest.fixture(scope="module")
def people(executed: Any, released: Environment) -> dict[str, Environment]:
    """Return the environment with the rights of each of the policies for people, and no others."""
    return {
        name: replace(released, aws=Aws(as_person(released, name), released.aws.endpoint))
        for name in ("Author", "Operator", "Approver", "Auditor")
    }


def test_people_do_with_their_policy_alone_what_it_is_for(
    people: dict[str, Environment], project: Project, tmp_path: Path
) -> None:
    author, operator = people["Author"], people["Operator"]
    path = project.root / "recipes" / "orders.yaml"
    recipe = read_recipe(path)
    for run_id, own in (("by-author", author), ("by-operator", operator)):
        foretell(own, recipe, path.parent)
        start_run(own, recipe, path.parent, run_id)
        assert stop(operator, run_id, "tried") == "STOPPED"
        assert look(own, run_id).outcome == "STOPPED"
    for own in people.values():
        assert own.aws.cloudformation.describe_stacks(StackName=own.stack)["Stacks"]  # what commands begin with
        assert run_id in [found.run_id for found in list_runs(own, 20)]
        assert [found.release for found in list_releases(own, LINE)] == [1]
        assert verify_in_place(own, key_to_believe(None, own), Wanted(line=LINE)).statement is not None
    for name in ("Author", "Operator", "Approver"):  # the dashboard beside it is asked for as `*` here, unlike AWS
        assert decode_report(people[name].bucket.read(RunKeys(run_id).report_json)).outcome == "STOPPED"
    for own in (operator, people["Auditor"]):
        assert LINE in {fate.line for fate in list_models(own, only_orphans=False)}
    for own in (operator, people["Approver"]):
        with pytest.raises(CliError, match="is its first"):
            roll_back(own, LINE, to=None, reason="tried")
    first = local_files(recipe.datasets, path.parent)["train"].read_bytes().splitlines()[0]
    (tmp_path / "prompt.jsonl").write_bytes(first)
    found = find_traces(author, Prompts.read((), tmp_path / "prompt.jsonl"), lambda words: None)
    assert {copy.kind for copy in found.copies} >= {"dataset"}
    assert found.unread == []


def test_people_are_refused_what_their_policy_is_not_for(people: dict[str, Environment]) -> None:
    for own in people.values():
        outputs, s3, functions = own.outputs, own.aws.s3, own.aws.functions
        refused(s3.put_object, Bucket=outputs.bucket, Key=f"releases/{LINE}/current.json", Body=b"{}")
        refused(s3.delete_object, Bucket=outputs.bucket, Key="runs/first/run.json")
        refused(functions.invoke, FunctionName=outputs.rewards["routing"])
        refused(functions.update_function_code, FunctionName=outputs.close_function, ZipFile=b"-")
        refused(own.aws.cloudformation.delete_stack, StackName=own.stack)
    for name in ("Approver", "Auditor"):
        own = people[name]
        refused(own.aws.states.start_execution, stateMachineArn=own.outputs.state_machine_arn)
        refused(own.aws.s3.put_object, Bucket=own.outputs.bucket, Key="datasets/0/train.jsonl", Body=b"{}")
        refused(own.aws.s3.get_object, Bucket=own.outputs.bucket, Key="datasets/0/train.jsonl")
    refused(people["Author"].aws.functions.invoke, FunctionName=people["Author"].outputs.rollback_function)
    refused(people["Auditor"].aws.s3.get_object, Bucket=people["Auditor"].outputs.bucket, Key="runs/first/report.json")
