"""What is written down of authorization questions, and policies that are asked without being deployed."""

import json
from pathlib import Path
from typing import Any

import pytest

from rft_local.emulator import authorization_log
from rft_local.emulator.authorization_log import CALL, CHECK, AuthorizationLog
from rft_local.emulator.policies import Question, identity_allows, resource_allows

ROLE = "arn:aws:iam::000000000000:role/stack-Role-ABC"
SESSION = "arn:aws:sts::000000000000:assumed-role/stack-Role-ABC/function"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuthorizationLog:
    resources = {"Role": {"PhysicalResourceId": "stack-Role-ABC"}, "Unborn": {}}
    stacks = {"stack": {"StackName": "stack", "_resources": resources}}
    monkeypatch.setattr(authorization_log, "require", lambda module, name: stacks)
    return AuthorizationLog(tmp_path / "log")


def written(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_question_is_written_once_after_the_names_of_its_stack(log: AuthorizationLog, tmp_path: Path) -> None:
    context = {"b": None, "kms:ViaService": "s3"}
    for _ in range(2):
        log.note(CALL, SESSION, "kms:Decrypt", "*", context, allowed=True)
    log.note(CHECK, ROLE, "kms:Decrypt", "*", {}, allowed=False)
    names, call, check = written(tmp_path)
    assert names == {"stack": "stack", "resources": {"Role": "stack-Role-ABC"}}
    assert (call["by"], call["role"], call["session"]) == ("call", "stack-Role-ABC", "function")
    assert (call["action"], call["context"], call["allowed"]) == ("kms:Decrypt", {"kms:ViaService": "s3"}, True)
    assert (check["by"], check["session"], check["allowed"]) == ("check", "", False)


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::000000000000:root",
        "arn:aws:iam::000000000000:user/somebody",
        "arn:aws:iam::000000000000:role/of-no-stack",
        "arn:aws:sts::000000000000:assumed-role/of-no-stack/session",
    ],
)
def test_who_belongs_to_no_stack_is_left_out(log: AuthorizationLog, tmp_path: Path, principal: str) -> None:
    log.note(CALL, principal, "s3:GetObject", "*", {}, allowed=True)
    assert written(tmp_path) == []


READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/runs/*"}
TAGGED = {**READ, "Condition": {"StringEquals": {"aws:ResourceTag/rft:role": "live"}}}


@pytest.mark.parametrize(
    ("statements", "resource", "context", "allowed"),
    [
        ([READ], "runs/a", {}, True),
        ([READ], "datasets/a", {}, False),
        ([], "runs/a", {}, False),
        ([READ, {**READ, "Effect": "Deny"}], "runs/a", {}, False),
        ([TAGGED], "runs/a", {"aws:ResourceTag/rft:role": "live"}, True),
        ([TAGGED], "runs/a", {"aws:ResourceTag/rft:role": "candidate"}, False),
        ([TAGGED], "runs/a", {}, False),
        ([READ, {**TAGGED, "Effect": "Deny"}], "runs/a", {"aws:ResourceTag/rft:role": "live"}, False),
    ],
)
def test_policies_of_a_principal(
    statements: list[dict[str, Any]], resource: str, context: dict[str, str], allowed: bool
) -> None:
    question = Question(ROLE, "s3:GetObject", f"arn:aws:s3:::bucket/{resource}", context)
    assert identity_allows(statements, question) is allowed


@pytest.mark.parametrize(
    ("principal", "admitted"),
    [
        ("*", True),
        ({"AWS": "arn:aws:iam::000000000000:root"}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": "arn:aws:iam::111111111111:root"}, False),
        ({"Service": "s3.amazonaws.com"}, False),
    ],
)
def test_policy_of_a_resource(principal: Any, admitted: bool) -> None:
    question = Question(ROLE, "s3:GetObject", "arn:aws:s3:::bucket/runs/a")
    assert resource_allows([{**READ, "Principal": principal}], question) is admitted
