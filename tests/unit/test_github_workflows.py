"""The workflows of this repository: every command is one that tests execute, every action is pinned, no token can do
more than its job needs."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_rft.promotion_notice import EVENT_TYPE
from rft_cli.main import main as rft
from stacks.config import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
COMMANDS: list[dict[str, str]] = json.loads((ROOT / "tests" / "cases" / "workflow_commands.json").read_text())
ACTIONLINT = shutil.which("actionlint", path=f"{ROOT / '.venv-security' / 'bin'}{os.pathsep}{os.environ['PATH']}")
CREDENTIALS = "aws-actions/configure-aws-credentials"


def read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every job with the name of its workflow and its own."""
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step of every workflow and of every action of this repository."""
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step
    for path in ACTIONS:
        for step in read(path)["runs"]["steps"]:
            yield path.parent.name, step


def job(name: str) -> dict[str, Any]:
    return dict(jobs())[name]


def test_the_docs_name_every_workflow_and_every_variable() -> None:
    page = (ROOT / "docs" / "promotion.md").read_text()
    table = "".join(re.findall(r"^\| `[^|]*\.yml` \|", page, flags=re.MULTILINE))
    assert set(re.findall(r"`([\w-]+)\.yml`", table)) == {path.stem for path in WORKFLOWS}
    used = {name for path in WORKFLOWS for name in re.findall(r"vars\.(\w+)", path.read_text())}
    assert used == set(re.findall(r"`(RFT_[A-Z_]+)`", page))


def test_every_command_is_a_make_target_or_rft_and_is_executed_by_a_test() -> None:
    said = {step["run"] for _, step in steps() if "run" in step}
    assert said == {command["run"] for command in COMMANDS}
    for line in said:
        assert re.fullmatch(r"(make [a-z-]+|\.venv/bin/rft [a-z]+)( [^;&|<>`\n]*)?", line), line
        assert "${{" not in line, f"{line}: an expression is text of somebody's; hand it over in `env`"


def test_commands_name_targets_and_commands_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for command in COMMANDS:
        words = command["run"].split()
        assert words[0] != "make" or words[1] in targets, command["run"]
        assert command["by"] in ("embedded", "unit", "ci"), command


@pytest.mark.parametrize("command", [command for command in COMMANDS if command["by"] == "ci"], ids=lambda c: c["run"])
def test_what_only_ci_executes_is_what_ci_executes(command: dict[str, str]) -> None:
    assert command["run"] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_actions_are_pinned_by_commit_and_say_their_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in (*WORKFLOWS, *ACTIONS):
        for used in re.findall(r"^ *(?:- )?uses: (.*)$", path.read_text(), flags=re.MULTILINE):
            if used == "./.github/actions/setup":
                continue
            match = re.fullmatch(r"([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", used)
            assert match, f"{path.name}: {used}"
            owner_and_name = "/".join(match[1].split("/")[:2])
            pins.setdefault(owner_and_name, set()).add(f"{match[2]} {match[3]}")
    assert {action: len(versions) for action, versions in pins.items()} == dict.fromkeys(
        (
            "actions/checkout",
            "actions/download-artifact",
            "actions/setup-python",
            "actions/upload-artifact",
            "aws-actions/configure-aws-credentials",
            "github/codeql-action",
            "marocchino/sticky-pull-request-comment",
        ),
        1,
    )


WRITES = {
    "codeql/analyze": {"security-events"},
    "main/deploy": {"id-token"},
    "main/run": {"id-token"},
    "promote/evidence": {"id-token"},
    "promote/promote": {"id-token"},
    "pull-request/comment": {"pull-requests"},
    "pull-request/diff": {"id-token"},
}


def test_tokens_write_only_what_their_job_is_for() -> None:
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {"contents": "read"}, path.name
    writes = {
        name: {scope for scope, right in job.get("permissions", {}).items() if right == "write"} for name, job in jobs()
    }
    assert {name: scopes for name, scopes in writes.items() if scopes} == WRITES


def test_only_jobs_that_may_ask_for_a_token_get_credentials_and_none_is_stored() -> None:
    with_credentials = {name for name, step in steps() if str(step.get("uses", "")).startswith(CREDENTIALS)}
    assert with_credentials == {name for name, scopes in WRITES.items() if "id-token" in scopes}
    for path in (*WORKFLOWS, *ACTIONS):
        assert "secrets." not in path.read_text(), path.name


def test_a_fork_gets_neither_credentials_nor_a_token_that_writes() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "pull-request.yml")
    same_repository = "github.event.pull_request.head.repo.full_name == github.repository"
    for name, one in workflow["jobs"].items():
        if "permissions" in one:
            condition = one.get("if") or workflow["jobs"][one["needs"]]["if"]  # what is skipped skips what needs it
            assert same_repository in condition.split(" && "), name
            assert "||" not in condition, name
    assert workflow["jobs"].keys() - {"diff", "comment"} == {"check", "synth"}
    for path in WORKFLOWS:
        assert "pull_request_target" not in path.read_text(), path.name
        assert "workflow_run" not in path.read_text(), path.name


def test_the_job_that_may_write_to_pull_requests_runs_nothing_of_them() -> None:
    uses = [step["uses"].partition("@")[0] for step in job("pull-request/comment")["steps"]]
    assert uses == ["actions/download-artifact", "marocchino/sticky-pull-request-comment"]


def test_every_job_ends_and_no_checkout_keeps_the_token() -> None:
    for name, one in jobs():
        assert 5 <= one["timeout-minutes"] <= 60, name
        assert one["runs-on"] == "ubuntu-24.04", name
    for name, step in steps():
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            history = {"fetch-depth": 0} if name == "promote/evidence" else {}
            assert step["with"] == {"persist-credentials": False, **history}, name


def test_deployments_of_an_environment_wait_for_each_other() -> None:
    deploying = {
        name: one for name, one in jobs() if any("make deploy" in str(step.get("run")) for step in one["steps"])
    }
    assert deploying.keys() == {"main/deploy", "promote/promote"}
    for name, one in deploying.items():
        environment = one["environment"]
        # Of several merges the newest is deployed; of several promotions each.
        queue = {"queue": "max"} if name == "promote/promote" else {}
        assert one["concurrency"] == {"group": f"deploy-{environment}"} | queue, name


@pytest.mark.parametrize("line", ["--help", "--public-key=recipes/own.pem"])
def test_the_name_of_a_line_is_never_an_option(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It comes from whoever may send the event, and `rft release verify --help` verifies nothing and succeeds."""
    (command,) = (step["run"] for _, step in steps() if "release verify" in str(step.get("run")))
    words = shlex.split(command.replace("$LINE", line).replace("$FROM", "dev"))
    assert words[0] == ".venv/bin/rft"
    assert rft(words[1:]) != 0
    assert capsys.readouterr().out == ""


def test_what_is_deployed_was_synthesized_once() -> None:
    synthesizing = [name for name, step in steps() if step.get("run") == "make synth"]
    assert synthesizing == ["main/synth", "pull-request/synth"]
    for name, step in steps():
        if str(step.get("run", "")).startswith(("make deploy", "make diff-comment")):
            assert "APP=cdk.out" in step["run"], name
    (uploaded,) = (step["with"] for name, step in steps() if name == "main/synth" and "upload" in step.get("uses", ""))
    assert (uploaded["name"], uploaded["path"], uploaded["retention-days"]) == ("assembly", "cdk.out", 90)


def test_promotion_hears_what_the_stack_tells_and_knows_the_order_of_environments() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "promote.yml")
    assert workflow[True]["repository_dispatch"]["types"] == [EVENT_TYPE]  # YAML 1.1 reads the key `on` as true
    order = [config.environment for config in ENVIRONMENTS if config.environment != "local"]
    assert workflow[True]["workflow_dispatch"]["inputs"]["from"]["options"] == order[:-1] == ["dev", "staging"]
    assert json.loads(re.findall(r"fromJSON\('(.*?)'\)", workflow["jobs"]["evidence"]["if"])[0]) == order[:-1]
    following = workflow["jobs"]["promote"]["environment"]
    assert following == workflow["env"]["TO"]
    assert re.findall(r"'(\w+)'", following) == order
    assert workflow["jobs"]["promote"]["needs"] == "evidence"


def test_the_recipes_that_are_promoted_exist_and_are_named_after_their_lines() -> None:
    for line in job("main/run")["strategy"]["matrix"]["line"]:
        recipe = read(ROOT / "recipes" / f"{line}.yaml")
        assert (recipe["line"], recipe["promote"]) == (line, True)


@pytest.fixture
def github(tmp_path: Path) -> Path:
    """Return a checkout in which `gh` knows one successful run of main.yml, for the commit `good`."""
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(
        "#!/bin/bash\n"
        'echo "$*" >> calls\n'
        'case "$*" in\n'
        '"run list --workflow main.yml --event push --branch main --commit good --status success "*) echo 42 ;;\n'
        '"run list "*) ;;\n'
        '"run download 42 --name assembly --dir cdk.out") mkdir cdk.out && echo {} > cdk.out/manifest.json ;;\n'
        "*) exit 3 ;;\n"
        "esac\n"
    )
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out" / "of-another-commit").touch()
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_assembly_is_the_one_that_main_built_and_deployed(github: Path) -> None:
    done = make(github, "assembly", "COMMIT=good")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (github / "cdk.out").iterdir()] == ["manifest.json"]


def test_a_commit_that_did_not_reach_dev_goes_nowhere(github: Path) -> None:
    done = make(github, "assembly", "COMMIT=bad")
    assert done.returncode == 2
    assert "error: main.yml did not succeed on commit bad" in done.stderr
    assert "download" not in (github / "calls").read_text()


def test_the_audit_asks_for_every_locked_package_and_is_not_content_with_silence() -> None:
    said = subprocess.run(["make", "-n", "audit"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(r"pip-audit==\S+ --requirement requirements.txt --require-hashes --disable-pip --strict", said)
    assert "npm audit --package-lock-only" in said


def test_the_nag_step_is_a_part_of_the_whole_suite() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/.setup", "nag"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "python -m pytest -q tests/security\n"
    assert list((ROOT / "tests" / "security").glob("test_*.py"))


def test_dependabot_watches_everything_that_is_pinned() -> None:
    updates = read(ROOT / ".github" / "dependabot.yml")["updates"]
    watched = {update["package-ecosystem"]: update.get("directories", [update.get("directory")]) for update in updates}
    assert watched == {"pip": ["/"], "npm": ["/"], "github-actions": ["/", "/.github/actions/setup"]}
    assert (ROOT / "requirements.txt").exists()
    assert (ROOT / "package-lock.json").exists()


needs_actionlint = pytest.mark.skipif(ACTIONLINT is None, reason="actionlint comes with `make security`")


@needs_actionlint
def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(
        [str(ACTIONLINT), "-no-color", *map(str, WORKFLOWS)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@needs_actionlint
def test_actionlint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(
        (ROOT / ".github" / "workflows" / "promote.yml").read_text().replace("needs: evidence", "needs: proof")
    )
    done = subprocess.run([str(ACTIONLINT), "-no-color", str(broken)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "proof" in done.stdout
