"""Preflight names what is missing, never fails for want of a right to look, and ends a run only for what is fatal."""

import io
import json
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rft_contract.layout import RunKeys, dataset_key
from rft_contract.outcomes import InvalidDataset, OverLimit, RunFailed
from rft_contract.plan_facts import PlanFacts
from rft_contract.recipe import Recipe
from rft_contract.reward_facts import JudgeFacts, RewardFacts
from rft_runtime.base_models import base_model
from rft_runtime.plan import plan
from rft_runtime.planning.grader_time import assumed_time, recommended_concurrency
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from rft_runtime.preflight.checks import CHECKS, preflight
from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.preflight.place import Place, PreflightClients
from tests.unit.fakes.account import (
    BASE_MODEL,
    BUCKET,
    EXECUTION,
    REGION,
    RESOURCES,
    REWARD_FUNCTION,
    SETTINGS,
    SIGNING_KEY,
)
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.quotas import CUSTOM_TOKENS
from tests.unit.fakes.recipe import dataset, recipe_json, upload
from tests.unit.fakes.service_models import aws_error

RUN = "tickets-1"


def look(aws: FakeAws, **changes: Any) -> dict[str, Finding]:
    """Return every finding by its check; each check has one here."""
    place = Place(
        clients=cast(PreflightClients, aws),
        region=REGION,
        bucket=BUCKET,
        key_arn=RESOURCES.key_arn,
        role_arn=RESOURCES.customization_role_arn,
        rewards={"tickets": REWARD_FUNCTION},
        models=(base_model(BASE_MODEL, REGION),),
        **{"release_key_arn": SIGNING_KEY, **changes},
    )
    found = preflight(place)
    assert len({finding.check for finding in found}) == len(found)
    return {finding.check: finding for finding in found}


def denied(action: str, how: str = "because no identity-based policy allows the action") -> ClientError:
    message = f"User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: {action} on resource: * {how}"
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "Operation")


def test_a_sound_environment_has_nothing_but_good_findings() -> None:
    aws = FakeAws()
    found = look(aws)
    assert {finding.severity for finding in found.values()} == {Severity.OK}
    assert set(found) == {
        "identity",
        "model",
        "inference",
        "quota-jobs",
        "quota-models",
        "quota-deployments",
        "quota-deployment-tokens",
        "quota-tokens-a-day",
        "quota-tokens-a-minute",
        "role-trust",
        "role-rights",
        "bucket",
        "key",
        "release-key",
        "reward",
        "concurrency",
    }
    assert found["quota-jobs"].found == "0 of 10 customization jobs are in use"
    assert found["inference"].found.endswith("answers from us-east-1, us-west-2")


def test_the_simulation_asks_what_a_job_does() -> None:
    aws = FakeAws()
    look(aws)
    asked = {
        (action, request["ResourceArns"][0]): request["ContextEntries"]
        for request in aws.iam.simulated
        for action in request["ActionNames"]
    }
    assert ("s3:GetObject", f"arn:aws:s3:::{BUCKET}/runs/preflight/data/train.jsonl") in asked
    function = f"arn:aws:lambda:{REGION}:123456789012:function:{REWARD_FUNCTION}:run-preflight"
    assert asked["lambda:InvokeFunction", function] == []
    (context,) = asked["kms:CreateGrant", RESOURCES.key_arn]
    assert context["ContextKeyValues"] == ["bedrock.us-east-1.amazonaws.com"]


FATAL: dict[str, tuple[str, str]] = {
    "sts.account": ("identity", "is of account 999999999999"),
    "bedrock.models": ("model", "does not serve amazon.nova-2-lite"),
    "bedrock.custom_models": ("quota-models", "the quota is full: 100 of 100"),
    "bedrock.deployments": ("quota-deployments", "the quota is full: 5 of 5 custom model deployments are in use"),
    "iam.principal": ("role-trust", "does not let bedrock.amazonaws.com assume it"),
    "iam.error": ("role-trust", "dev-customization does not exist"),
    "iam.source_account": ("role-trust", "trusts jobs of account 999999999999, not of 123456789012"),
    "s3.region": ("bucket", "lies in eu-west-1, the job would run in us-east-1"),
    "kms.state": ("key", "is PendingDeletion"),
    "functions.live": ("reward", "has no alias `live`"),
}
BROKEN: dict[str, Any] = {
    "sts.account": "999999999999",
    "bedrock.models": {},
    "bedrock.custom_models": 100,
    "bedrock.deployments": {str(number): {} for number in range(5)},
    "iam.principal": "lambda.amazonaws.com",
    "iam.error": aws_error("NoSuchEntity", "GetRole", 404),
    "iam.source_account": "999999999999",
    "s3.region": "eu-west-1",
    "kms.state": "PendingDeletion",
    "functions.live": {},
}


def broken(what: str) -> FakeAws:
    aws = FakeAws()
    service, name = what.split(".")
    setattr(getattr(aws, service), name, BROKEN[what])
    return aws


def test_a_key_that_cannot_sign_is_found_where_something_is_to_be_released() -> None:
    aws = FakeAws()
    aws.kms.signing_state = "PendingDeletion"
    found = look(aws)["release-key"]
    assert (found.severity, found.found) == (
        Severity.ERROR,
        f"the key {SIGNING_KEY} is PendingDeletion, so nothing can be released",
    )
    assert "release-key" not in look(aws, release_key_arn=None)


@pytest.mark.parametrize("what", FATAL)
def test_what_no_run_survives_is_an_error_with_a_remedy(what: str) -> None:
    check, words = FATAL[what]
    found = look(broken(what))
    assert (found[check].severity, bool(found[check].remedy)) == (Severity.ERROR, True)
    assert words in found[check].found
    others = [finding for name, finding in found.items() if name != check]
    assert {finding.severity for finding in others} == {Severity.OK}


def test_a_key_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeAws()

    def gone(**request: Any) -> None:
        raise aws_error("NotFoundException", "DescribeKey")

    monkeypatch.setattr(aws.kms, "describe_key", gone, raising=False)
    found = look(aws)["key"]
    assert (found.severity, found.found) == (Severity.ERROR, f"the key {RESOURCES.key_arn} does not exist")


def test_full_of_jobs_is_an_error_and_stopping_ones_count() -> None:
    aws = FakeAws()
    aws.bedrock.jobs = {str(number): {"status": "InProgress" if number else "Stopping"} for number in range(10)}
    assert look(aws)["quota-jobs"].found == "the quota is full: 10 of 10 customization jobs are in use"


@pytest.mark.parametrize(
    ("values", "check", "severity", "words"),
    [
        ({}, "quota-jobs", Severity.UNKNOWN, "lists no quota of customization jobs"),
        ({}, "quota-deployments", Severity.UNKNOWN, "lists no quota of custom model deployments"),
        (
            {f"{CUSTOM_TOKENS} per minute for Amazon Nova Lite": 4e6},
            "quota-deployments",
            Severity.UNKNOWN,
            "lists no quota of custom model deployments",
        ),
        (
            {f"{CUSTOM_TOKENS} per minute for Amazon Nova Lite": 4e6},
            "quota-deployment-tokens",
            Severity.UNKNOWN,
            "lists no tokens a minute for deployed custom models of Amazon Nova 2 Lite",
        ),
        (
            {f"{CUSTOM_TOKENS} per minute for Amazon Nova 2 Lite": 0},
            "quota-deployment-tokens",
            Severity.WARNING,
            "0 tokens a minute for deployed custom models of Amazon Nova 2 Lite: a candidate could be trained",
        ),
        ({}, "quota-tokens-a-day", Severity.UNKNOWN, "lists no tokens a day for Amazon Nova 2 Lite"),
        (
            {"Model invocation max tokens per day for Amazon Nova 2 Lite": 0},
            "quota-tokens-a-day",
            Severity.WARNING,
            "every question to the base model is refused",
        ),
        (
            {"Model invocation max tokens per day for Amazon Nova 2 Lite (doubled for cross-region calls)": 3e6},
            "quota-tokens-a-day",
            Severity.OK,
            "6,000,000 tokens a day",
        ),
        (
            {"Model invocation max tokens per day for Amazon Nova 2 Lite Pro": 7},
            "quota-tokens-a-day",
            Severity.UNKNOWN,
            "lists no",
        ),
        (
            {"Cross-Region InvokeModel tokens per minute for Amazon Nova 2 Lite": 8e6},
            "quota-tokens-a-minute",
            Severity.OK,
            "8,000,000 tokens a minute",
        ),
        (
            {"Global cross-region model inference tokens per minute for Amazon Nova 2 Lite": 8e6},
            "quota-tokens-a-minute",
            Severity.UNKNOWN,
            "lists no",
        ),
    ],
)
def test_quotas_are_known_by_their_names(values: dict[str, float], check: str, severity: Severity, words: str) -> None:
    aws = FakeAws()
    aws.quotas.values = values
    found = look(aws)[check]
    assert found.severity == severity
    assert words in found.found


def test_a_right_that_is_missing_for_a_check_is_a_warning_that_names_it() -> None:
    aws = FakeAws()
    aws.quotas.error = denied("servicequotas:ListServiceQuotas")
    found = look(aws)["quota"]
    assert found.severity == Severity.WARNING
    assert found.words() == (
        "quota: not checked: servicequotas:ListServiceQuotas is not allowed to the one who asks; allow "
        "servicequotas:ListServiceQuotas for a full preflight"
    )


def test_an_explicit_deny_is_named_with_its_policy() -> None:
    aws = FakeAws()
    aws.quotas.error = denied("servicequotas:ListServiceQuotas", "with an explicit deny in a service control policy")
    found = look(aws)["quota"]
    assert found.severity == Severity.WARNING
    assert "is denied explicitly, in a service control policy" in found.found


def test_what_an_aws_does_not_simulate_is_unknown() -> None:
    aws = FakeAws()
    aws.iam.error = aws_error("NotImplementedException", "GetRole", 501)
    found = look(aws)["role-trust"]
    assert (found.severity, found.found) == (Severity.UNKNOWN, "not checked: GetRole is not simulated here")


def test_no_answer_at_all_is_unknown() -> None:
    aws = FakeAws()
    aws.quotas.error = EndpointConnectionError(endpoint_url="https://servicequotas.us-east-1.amazonaws.com")
    assert look(aws)["quota"].severity == Severity.UNKNOWN


@pytest.mark.parametrize(
    ("decision", "words"), [("implicitDeny", "not allowed, as"), ("explicitDeny", "denied explicitly, as")]
)
def test_rights_that_the_simulation_misses_are_a_warning(decision: str, words: str) -> None:
    aws = FakeAws()
    aws.iam.denied = {"kms:CreateGrant": decision}
    found = look(aws)["role-rights"]
    assert found.severity == Severity.WARNING
    assert words in found.found
    assert "kms:CreateGrant" in found.found


def test_a_model_that_is_known_under_its_plain_id_only_ends_no_run() -> None:
    aws = FakeAws()
    aws.bedrock.models = {"amazon.nova-2-lite-v1:0": "ACTIVE"}
    assert look(aws)["model"].severity == Severity.UNKNOWN


def test_a_legacy_model_is_a_warning() -> None:
    aws = FakeAws()
    aws.bedrock.models = {BASE_MODEL: "LEGACY"}
    assert look(aws)["model"].severity == Severity.WARNING


@pytest.mark.parametrize(
    ("reserved", "unreserved", "needed", "severity"),
    [
        (None, 1000, 50, Severity.OK),
        (None, 10, None, Severity.WARNING),
        (None, 40, 50, Severity.WARNING),
        (20, 1000, 50, Severity.WARNING),
        (60, 40, 50, Severity.OK),
    ],
)
def test_concurrency(reserved: int | None, unreserved: int, needed: int | None, severity: Severity) -> None:
    aws = FakeAws()
    aws.functions.reserved, aws.functions.unreserved = reserved, unreserved
    assert look(aws, concurrency=needed)["concurrency"].severity == severity


def test_the_recommended_concurrency_grades_a_step_within_a_minute() -> None:
    recipe = Recipe.from_json(recipe_json(hyperparameters={"batchSize": 64, "trainingSamplePerPrompt": 8}))
    assert recommended_concurrency(recipe, assumed_time(RewardFacts())) == 1
    assert recommended_concurrency(recipe, assumed_time(RewardFacts(judges=(JudgeFacts(samples=3),)))) == 513


def planned(aws: FakeAws, *, resources: Any = RESOURCES, **changes: Any) -> dict[str, Any]:
    """Plan a run and return its record, refused or not."""
    facts = PlanFacts(settings=SETTINGS, resources=resources).to_json()
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(**changes), facts=facts)
    return record(aws)


def record(aws: FakeAws) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws.s3.objects[RunKeys(RUN).record])
    return found


@pytest.mark.parametrize("what", FATAL)
def test_plan_ends_for_what_is_fatal_and_the_record_says_why(what: str) -> None:
    aws = broken(what)
    upload(aws)
    with pytest.raises(RunFailed, match=FATAL[what][0]) as error:
        planned(aws)
    assert "\n" not in str(error.value)
    assert [finding for finding in record(aws)["preflight"] if finding["severity"] == "error"]
    assert not aws.functions.aliases


def test_plan_goes_on_when_it_may_not_look() -> None:
    aws = FakeAws()
    aws.quotas.error = denied("servicequotas:ListServiceQuotas")
    aws.iam.error = denied("iam:GetRole")
    upload(aws)
    found = planned(aws)
    assert {finding["severity"] for finding in found["preflight"]} == {"ok", "warning"}
    assert found["reward_arn"]


def test_plan_keeps_estimate_and_gate_in_the_record() -> None:
    aws = FakeAws()
    upload(aws)
    found = planned(aws, limits={"rollouts": 900})
    assert found["estimate"]["steps"] == {"low": 4, "high": 4}
    assert found["estimate"]["parts"]["training"]["rollouts"] == {"low": 800, "high": 1024}
    assert found["estimate"]["parts"]["base"]["rollouts"] == {"low": 300, "high": 300}
    assert found["estimate"]["warnings"] == [
        "recipe.limits.rollouts: 900 allowed, 800 to 1,024 needed: the run may exceed the limit, and only its low end "
        "keeps it"
    ]
    assert found["gate_power"]["level"] == 0.05
    assert found["gate_power"]["smallest_gain"] == pytest.approx(0.0967, abs=1e-3)


def test_plan_divides_the_level_by_the_looks_at_the_held_out_set() -> None:
    aws = FakeAws()
    upload(aws)
    digest = read_prompt_sizes(io.BytesIO(dataset("held_out", 100))).digest
    aws.s3.put(dataset_key(digest, "uses.json"), json.dumps({"runs": ["a", "b", RUN]}).encode())
    assert planned(aws)["gate_power"]["level"] == pytest.approx(0.05 / 3)


def test_plan_refuses_a_gate_that_cannot_pass() -> None:
    aws = FakeAws()
    upload(aws)
    resources = replace(RESOURCES, reward_facts={"tickets": RewardFacts(floor=0.0, ceiling=1.0)})
    with pytest.raises(RunFailed, match="the gate cannot pass: with 100 held-out prompts"):
        planned(aws, resources=resources, gate={"min_gain": 0.95})
    assert record(aws)["gate_power"]["needed"] > 1
    assert not aws.functions.aliases


def test_plan_warns_of_a_day_without_enough_tokens() -> None:
    aws = FakeAws()
    aws.quotas.values["Model invocation max tokens per day for Amazon Nova 2 Lite"] = 100
    upload(aws)
    (warning,) = planned(aws)["estimate"]["warnings"]
    assert warning.startswith("100 tokens a day for Amazon Nova 2 Lite, and probe and gate ask for at least")


def test_plan_refuses_a_dataset_under_two_names() -> None:
    aws = FakeAws()
    upload(aws)
    aws.s3.put("datasets/held_out/held_out.jsonl", dataset("train", 100))
    with pytest.raises(InvalidDataset, match=r"datasets\.held_out: the same prompts as datasets\.train"):
        planned(aws)


def test_plan_refuses_money_without_prices_and_tokens_beyond_the_limit() -> None:
    aws = FakeAws()
    upload(aws)
    with pytest.raises(RunFailed, match=r"recipe\.limits\.money: the environment has no prices"):
        planned(aws, limits={"money": {"amount": 10, "currency": "USD"}})
    other = FakeAws()
    upload(other)
    with pytest.raises(OverLimit, match=r"recipe\.limits\.tokens: 5 allowed"):
        planned(other, limits={"tokens": 5})
    assert record(other)["estimate"]["parts"]


def test_every_check_has_a_name_and_an_action() -> None:
    assert all(action.count(":") == 1 for _, _, action in CHECKS)
