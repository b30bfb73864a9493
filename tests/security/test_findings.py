"""What cdk-nag, checkov and cfn-lint find is exactly what the constructs accept, for a reason, in place and for a time.

cdk-nag is asked here, about prod and about prod with everything on. checkov and cfn-lint have an environment of their
own: `make security` keeps what they said about every environment, and these tests hold the templates to it.
"""

import json
from datetime import date
from functools import cache
from typing import Any

import pytest

from benchmarks.result import RESULTS
from benchmarks.security.environments import EVERYTHING, Examined, configurations, examine
from benchmarks.security.findings import (
    SCANNERS,
    Acceptance,
    Finding,
    in_template,
    unanswered,
    unneeded,
    without_marks,
)
from benchmarks.security.rights import label
from benchmarks.security.summary import rows
from rft_contract.json_value import JsonObject

EXAMINED = ["prod", EVERYTHING]
RENEW = "the constructs changed: run `make security`"
AT_MOST = 12
"""Constraints for which findings of AwsSolutions are accepted."""


@cache
def examined(name: str) -> Examined:
    return examine(name, dict(configurations())[name])


@cache
def kept() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RESULTS / "findings.json").read_text(encoding="utf-8"))
    environments: dict[str, Any] = record["figures"]["environments"]
    return environments


def of_nag(acceptances: list[Acceptance]) -> list[Acceptance]:
    return [one for one in acceptances if not one.rule.startswith("CKV_") and not one.rule[1:].isdecimal()]


@pytest.mark.parametrize("name", EXAMINED)
def test_nothing_is_open(name: str) -> None:
    found = examined(name)
    assert len(found.raised) > 200
    assert unanswered(found.raised, found.accepted) == []


@pytest.mark.parametrize("name", EXAMINED)
def test_every_acknowledgement_is_needed(name: str) -> None:
    found = examined(name)
    assert unneeded(found.raised, of_nag(found.accepted)) == []


@pytest.mark.parametrize("name", EXAMINED)
def test_every_acknowledgement_stands_at_a_resource_and_names_a_constraint_that_still_counts(name: str) -> None:
    for acceptance in examined(name).accepted:
        assert acceptance.path.count("/") >= 3, f"{acceptance.rule} is acknowledged as high as {acceptance.path}"
        _, _, until = acceptance.parts()
        assert until >= date.today(), f"{acceptance.path}: {acceptance.rule}: look again whether AWS has moved"


@pytest.mark.parametrize("name", EXAMINED)
def test_few_constraints_answer_the_aws_solutions(name: str) -> None:
    answers = [one for one in examined(name).accepted if one.rule.startswith("AwsSolutions-")]
    assert {one.rule.partition("[")[0].removeprefix("AwsSolutions-") for one in answers} <= {"IAM5", "SQS3", "VPC7"}
    assert not [one.rule for one in answers if "[Action::" in one.rule]
    assert len({one.parts()[0] for one in answers}) <= AT_MOST


def test_what_configuration_turns_on_is_found_no_more() -> None:
    names = {finding.name for finding in examined(EVERYTHING).raised}
    assert not names & {"LambdaInsideVPC", "S3BucketReplicationEnabled"}
    assert "LambdaInsideVPC" in {finding.name for finding in examined("prod").raised}


@pytest.mark.parametrize("name", EXAMINED)
def test_what_is_kept_is_of_these_constructs(name: str) -> None:
    found = examined(name)
    known = {row["why"]: row for row in kept()[name]["rows"]}
    for row in rows(found.raised, found.accepted):
        assert set(row.rules) <= set(known[row.why]["rules"]), RENEW
        assert set(row.places) <= set(known[row.why]["places"]), RENEW
    for acceptance in in_template(found.template):
        why, page, until = acceptance.parts()
        assert label(acceptance.path) in known[why]["places"], RENEW
        assert (known[why]["page"], known[why]["until"]) == (page, until.isoformat()), RENEW
    raised = {tool: count for tool, count in kept()[name]["raised"].items() if tool not in SCANNERS}
    assert raised == {tool: sum(one.tool == tool for one in found.raised) for tool in raised}, RENEW


def test_no_checker_found_anything_open_in_any_environment() -> None:
    assert list(kept()) == [name for name, _ in configurations()], RENEW
    for name, found in kept().items():
        assert (found["open"], found["unneeded"]) == ([], []), name
        assert found["checkov_passed"] > 400
        assert {"checkov", "cfn-lint"} <= set(found["raised"]), name


def test_a_finding_that_nothing_answers_is_told() -> None:
    finding = Finding("AwsSolutions", "AwsSolutions-IAM5[Resource::*]", "prod/Rft/Training/Role/DefaultPolicy/Resource")
    beside = Acceptance("prod/Rft/Training/Ro", finding.rule, "a reason that is long enough")
    other_rule = Acceptance("prod/Rft/Training/Role", "AwsSolutions-IAM5[Resource::x]", "a reason that is long enough")
    assert unanswered([finding], [beside, other_rule]) == [finding]
    assert unneeded([finding], [beside, other_rule]) == [beside, other_rule]
    above = Acceptance("prod/Rft/Training/Role", finding.rule, "a reason that is long enough")
    assert (unanswered([finding], [above]), unneeded([finding], [above])) == ([], [])
    assert finding.name == "IAM5"


def test_a_reason_without_page_and_day_is_none() -> None:
    with pytest.raises(ValueError, match="wanted a Constraint's"):
        Acceptance("prod/Rft/Queue", "AwsSolutions-SQS3", "this queue is itself a dead-letter queue").parts()


def test_scanners_see_a_template_without_marks() -> None:
    skip: JsonObject = {"skip": [{"id": "CKV_AWS_27", "comment": "because"}]}
    lint: JsonObject = {"config": {"ignore_checks": ["W3005"]}, "reason": "because"}
    metadata: JsonObject = {"aws:cdk:path": "a/b/c", "checkov": skip, "cfn-lint": lint}
    template: JsonObject = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Metadata": metadata}}}
    assert in_template(template) == [
        Acceptance("a/b/c", "CKV_AWS_27", "because"),
        Acceptance("a/b/c", "W3005", "because"),
    ]
    assert in_template(without_marks(template)) == []
