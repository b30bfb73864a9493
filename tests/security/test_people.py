"""What each of the people's policies allows: the work that it is for, each right of it for some work, and no more."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from benchmarks.security.rights import Right, Template
from rft_cli.main import app
from rft_local.emulator.policies import Question, identity_allows
from stacks.config import ENVIRONMENTS, choose
from stacks.execution_policy import _types as resource_types

ROOT = Path(__file__).parents[2]
CASES: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "people.json").read_text())
PEOPLE = ("Author", "Operator", "Approver", "Auditor")
ONLY_WITH_LOGS = "rft dataset sample-logs"
"""An environment without invocation logs has nothing that could be started; tests of the construct try it."""
LIMIT = 6144
"""Characters of a managed policy (IAM user guide, "IAM and AWS STS quotas")."""

Ask = tuple[str, str, dict[str, str]]


class People:
    """The policies of an environment, and questions to them.

    Args:
        platform: Its stack, synthesized.
        environment: Its name.
    """

    def __init__(self, platform: Any, environment: str) -> None:
        (config,) = choose(ENVIRONMENTS, environment)
        self.config = config
        self.template = Template(platform.template.to_json(), account=config.account, region=config.region)
        found = self.template.for_people()
        self.policies = {name.removeprefix(f"{config.stack_name}-"): rights for name, rights in found.items()}
        self.names = self._names()

    def allows(self, rights: Sequence[Right], ask: Sequence[str]) -> bool:
        """Whether rights allow an action on a resource of the cases, through a service where one is named."""
        action, resource, *through = ask
        context = {"kms:ViaService": f"{through[0]}.{self.config.region}.amazonaws.com"} if through else {}
        role = f"arn:aws:iam::{self.config.account}:role/some"
        question = Question(role, action, resource.format(**self.names), context)
        return identity_allows([right.statement() for right in rights], question)

    def does(self, rights: Sequence[Right], work: dict[str, Any]) -> bool:
        """Whether rights are enough for some work."""
        return all(self.allows(rights, ask) for need in work["needs"] for ask in CASES["needs"][need])

    def by(self, work: dict[str, Any]) -> list[str]:
        """Return whose work it is here."""
        starts = self.config.authors_start_runs or not work.get("starts")
        return [person for person in work["by"] if starts or person != "Author"]

    def _names(self) -> dict[str, str]:
        """Return what stands for each name of the cases."""
        place, stack = f"{self.config.region}:{self.config.account}", self.config.stack_name
        machine = self._arn("AWS::StepFunctions::StateMachine", "TrainingWorkflow")
        return {
            "stack": f"arn:aws:cloudformation:{place}:stack/{stack}/*",
            "machine": machine,
            "execution": f"{machine.replace(':stateMachine:', ':execution:')}:some-run",
            "bucket": self._arn("AWS::S3::Bucket", "Datasets", without="AccessLogs"),
            "access_logs": self._arn("AWS::S3::Bucket", "AccessLogs"),
            "key": self._arn("AWS::KMS::Key", "DataKey"),
            "release_key": self._arn("AWS::KMS::Key", "DataReleaseKey"),
            "reward": self._arn("AWS::Lambda::Function", "TrainingRewards"),
            "close": self._arn("AWS::Lambda::Function", "HandlersClose"),
            "rollback": self._arn("AWS::Lambda::Function", "ReleaseRollback"),
            "promote": self._arn("AWS::Lambda::Function", "PromoteStart"),
            "role": self._arn("AWS::IAM::Role", "CustomizationRole"),
            "policy": f"arn:aws:iam::{self.config.account}:policy/{stack}-Author",
            "dashboard": f"arn:aws:cloudwatch::{self.config.account}:dashboard/{stack}",
            "function": f"arn:aws:lambda:{place}:function:{stack}-TrainingPlan",
            "logs": f"arn:aws:logs:{place}:log-group:{stack}-TrainingPlan:log-stream:some",
            "alarm": f"arn:aws:cloudwatch:{place}:alarm:{stack}-live-line",
            "model": f"arn:aws:bedrock:{place}:custom-model/some",
            "deployment": f"arn:aws:bedrock:{place}:custom-model-deployment/some",
            "parameter": f"arn:aws:ssm:{place}:parameter/{stack}/line/model",
        }

    def _arn(self, kind: str, part: str, *, without: str = "\n") -> str:
        names = [name for name, _ in self.template.of_type(kind) if part in name and without not in name]
        return self.template.arn(min(names, key=len))


@pytest.fixture(scope="module", params=["local", "prod"])
def people(request: pytest.FixtureRequest, platform: Callable[[str], Any]) -> People:
    return made(platform, request.param)


@cache
def made(platform: Callable[[str], Any], environment: str) -> People:
    return People(platform(environment), environment)


def work() -> Iterator[dict[str, Any]]:
    yield from (one for one in CASES["work"] if one["what"] != ONLY_WITH_LOGS)


def test_everybody_does_their_own_work_and_nobody_the_others(people: People) -> None:
    assert set(people.policies) == set(PEOPLE)
    for one in work():
        doing = [person for person in PEOPLE if people.does(people.policies[person], one)]
        assert doing == people.by(one), one["what"]


def test_every_right_is_needed_for_some_work(people: People) -> None:
    for person, rights in people.policies.items():
        own = [one for one in work() if person in people.by(one)]
        for right in rights:
            rest = [other for other in rights if other != right and not _covers(right, other)]
            if any(_covers(other, right) for other in rights if other != right):
                continue
            assert not all(people.does(rest, one) for one in own), f"{person}: {right}"


def _covers(wide: Right, narrow: Right) -> bool:
    """Whether a right says what another one says, and more; of rewards there are several, and one stands for all."""
    same = (wide.action, wide.condition) == (narrow.action, narrow.condition)
    if "TrainingRewards" in wide.resource and "TrainingRewards" in narrow.resource:
        return same and narrow.resource.count(":") == wide.resource.count(":") and wide.resource < narrow.resource
    return same and fnmatchcase(narrow.resource, wide.resource)


@pytest.mark.parametrize("ask", CASES["never"], ids=lambda ask: " ".join(ask))
def test_what_no_person_may(people: People, ask: list[str]) -> None:
    assert [person for person in PEOPLE if people.allows(people.policies[person], ask)] == []


@pytest.mark.parametrize("text", CASES["text"], ids=lambda text: str(text["what"]))
def test_who_reads_text(people: People, text: dict[str, Any]) -> None:
    ask = ["s3:GetObject", "{bucket}/" + text["key"]]
    assert [person for person in PEOPLE if people.allows(people.policies[person], ask)] == text["by"]


def test_no_statement_is_wide(people: People) -> None:
    for rights in people.policies.values():
        for right in rights:
            assert right.effect == "Allow"
            assert "*" not in right.action
            if right.resource == "*":
                assert right.action.partition(":")[2].startswith(("List", "GetMetricData")), right
            else:
                assert right.resource.split(":")[4] in ("", people.config.account), right


def test_policies_fit_with_names_as_aws_makes_them(people: People) -> None:
    for name, resource in people.template.of_type("AWS::IAM::ManagedPolicy"):
        document = people.template.plain(resource["Properties"]["PolicyDocument"])
        text = json.dumps(document, separators=(",", ":"))
        # CloudFormation puts the stack's name before logical ids, and 13 characters behind them.
        assert len(text) + 25 * text.count("arn:") < LIMIT, name


def test_an_environment_without_people_has_no_policies_and_nobody_may_make_some() -> None:
    (dev,) = choose(ENVIRONMENTS, "dev")
    kinds = resource_types(replace(dev, people=False))
    assert "AWS::IAM::Policy" in kinds
    assert "AWS::IAM::ManagedPolicy" not in kinds  # so the execution policy is derived without rights on them


def test_every_command_is_somebodys() -> None:
    known = {one["what"].removeprefix("rft ").partition(" --")[0] for one in CASES["work"]}
    known |= {name.partition(" --")[0] for name in CASES["administrators"]} | set(CASES["without environment"])
    assert known >= set(commands(get_command(app))), "say in tests/cases/people.json who gives the command"


def commands(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs" / "people.md").read_text()
    for one in CASES["work"]:
        marks = ["yes" if person in one["by"] else "" for person in PEOPLE]
        if one.get("starts"):
            marks[0] = "where authors start runs"
        assert f"| {one['what']} | {' | '.join(marks)} |".replace("  ", " ") in page.replace("  ", " ")
    for command, why in CASES["administrators"].items():
        assert f"| `rft {command}` | {why} |" in page
