"""The state Certify: one certificate for each dataset of a run, reused where it holds."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from rft_contract.json_value import JsonObject
from rft_contract.layout import CERTIFICATES, cases_key
from rft_contract.outcomes import Outcome, Transient, UncertifiedReward, outcome_of
from rft_contract.rollout_mark import FIELD
from rft_runtime.certificate import Certificate, Verdict, decode_certificate
from rft_runtime.certification.run_certification import certify_run
from rft_runtime.certification.subject import Demands
from rft_runtime.closing import close_run
from rft_runtime.ending import read_ending
from rft_runtime.frozen_data import freeze
from rft_runtime.plan import plan
from rft_runtime.validation import validate
from tests.unit.fakes.account import EXECUTION, RESOURCES, REWARD_HASH, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json, upload

RUN = "tickets-1"
CANARY = "where is my money"


def frozen(*, incomplete: bool = False, **changes: Any) -> FakeAws:
    """Return a run whose data are frozen, and a reward function that runs its code."""
    aws = FakeAws()
    upload(aws, train=100, held_out=10)
    settings = replace(SETTINGS, incomplete_certificates=incomplete)
    facts = {"settings": settings.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(**changes), facts=facts)
    validate(aws.platform(), RUN)
    freeze(aws.platform(), RUN)
    aws.functions.runs_its_code = True
    return aws


@pytest.fixture(autouse=True)
def small_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "rft_runtime.certification.run_certification.Demands", partial(Demands, sample=40, event_bytes=100_000)
    )


def certificates(aws: FakeAws) -> dict[str, Certificate]:
    found = {}
    for key, body in aws.s3.objects.items():
        if key.startswith(CERTIFICATES) and not key.endswith("cases.json"):
            read = decode_certificate(body)
            assert read is not None
            found[key] = read
    return found


def sent(aws: FakeAws) -> int:
    return sum(len(event) for event in aws.functions.events)


def test_each_dataset_gets_its_certificate() -> None:
    aws = frozen()
    record = certify_run(aws.platform(), RUN, 600)
    assert record.certificates == {"train": "PASSED", "held_out": "PASSED"}
    found = certificates(aws)
    assert set(found) == {f"{CERTIFICATES}{REWARD_HASH}/{use.sha256}.json" for use in record.datasets.values()}
    made = found[f"{CERTIFICATES}{REWARD_HASH}/{record.datasets['train'].sha256}.json"]
    assert (made.reward, made.kind, made.environment, made.verdict) == ("tickets", "label", "dev", Verdict.PASSED)
    assert {one.samples for one in made.latency} >= {1, 64}
    items = [item for event in aws.functions.events for item in event]
    assert {item["metadata"][FIELD]["phase"] for item in items} == {"certify"}
    assert {item["metadata"][FIELD]["run"] for item in items} == {RUN}


def test_a_certificate_is_reused_and_made_again_when_the_reward_changes() -> None:
    aws = frozen()
    certify_run(aws.platform(), RUN, 600)
    before = sent(aws)
    certify_run(aws.platform(), RUN, 600)
    assert sent(aws) == before
    aws.functions.variables = {"RFT_REWARD_HASH": "f" * 64}
    certify_run(aws.platform(), RUN, 600)
    assert sent(aws) > before
    assert len(certificates(aws)) == 4


def test_a_function_without_a_hash_is_known_by_its_code() -> None:
    aws = frozen()
    aws.functions.variables = {}
    certify_run(aws.platform(), RUN, 600)
    (prefix,) = {key.split("/")[1] for key in certificates(aws)}
    assert set(prefix) <= set("0123456789abcdef")


def test_a_broken_reward_ends_the_run_without_a_word_of_the_data() -> None:
    aws = frozen()
    aws.functions.runs_its_code = False
    aws.functions.grade = lambda item: float(item["metadata"]["reference_answer"] in item["messages"][-1]["content"])
    with pytest.raises(UncertifiedReward, match=r"datasets\.train: reward tickets: certificate FAILED: beats") as end:
        certify_run(aws.platform(), RUN, 600)
    assert CANARY not in str(end.value)
    assert "billing" not in str(end.value)
    cause = json.dumps({"errorMessage": str(end.value)})
    event: JsonObject = {"error": {"Error": type(end.value).__name__, "Cause": cause}}
    ending = close_run(aws.platform(), RUN, read_ending(event))
    assert ending.outcome is Outcome.UNCERTIFIED_REWARD
    assert outcome_of("UncertifiedReward") is Outcome.UNCERTIFIED_REWARD
    (kept,) = certificates(aws).values()
    assert kept.verdict is Verdict.FAILED
    assert CANARY not in json.dumps(json.loads(next(body for key, body in aws.s3.objects.items() if "cert" in key)))


@pytest.mark.parametrize("incomplete", [True, False])
def test_too_few_cases_stop_a_run_only_where_certificates_must_be_complete(incomplete: bool) -> None:
    aws = frozen(incomplete=incomplete)
    aws.functions.spec = None
    aws.functions.runs_its_code = False
    aws.functions.grade = own_reward
    if incomplete:
        record = certify_run(aws.platform(), RUN, 600)
        assert record.certificates == {"train": "INCOMPLETE", "held_out": "INCOMPLETE"}
    else:
        with pytest.raises(UncertifiedReward, match="wanted at least 20 good and 20 bad completions") as refused:
            certify_run(aws.platform(), RUN, 600)
        assert "got 0 and 0" in str(refused.value)


def test_cases_that_the_author_left_complete_the_certificate() -> None:
    aws = frozen()
    aws.functions.spec = None
    aws.functions.runs_its_code = False
    aws.functions.grade = own_reward
    case = {"prompt": "?", "reference_answer": "shipping", "good": ["shipping"] * 20, "bad": ["billing"] * 20}
    aws.s3.put(cases_key(REWARD_HASH), json.dumps({"schema": 1, "cases": [case]}).encode())
    assert set(certify_run(aws.platform(), RUN, 600).certificates.values()) == {"PASSED"}
    aws.s3.put(cases_key(REWARD_HASH), b'{"schema": 1}')
    with pytest.raises(UncertifiedReward, match="cases: wanted"):
        certify_run(aws.platform(), RUN, 600)


def own_reward(item: dict[str, Any]) -> float:
    """Grade as its author's own code would."""
    return float(item["messages"][-1]["content"] == item["metadata"]["reference_answer"])


def test_stricter_demands_of_the_recipe_are_not_met_by_an_older_certificate() -> None:
    aws = frozen(certify={"margin": 0.1})
    certify_run(aws.platform(), RUN, 600)
    before = sent(aws)
    stricter = frozen(certify={"margin": 0.9})
    stricter.s3.objects |= {key: body for key, body in aws.s3.objects.items() if key.startswith(CERTIFICATES)}
    stricter.s3.versions |= dict.fromkeys(stricter.s3.objects, 1)
    certify_run(stricter.platform(), RUN, 600)
    assert sent(stricter) == before
    assert {found.thresholds.margin for found in certificates(stricter).values()} == {0.9}


def test_rows_that_there_was_no_time_for_leave_it_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rft_runtime.certification.contract._ROWS_AT_ONCE", 40)
    aws = frozen()
    with pytest.raises(UncertifiedReward, match="INCOMPLETE: rows: time was up after 40 of 100 rows"):
        certify_run(aws.platform(), RUN, 0)


def test_a_function_that_raises_is_named_with_its_line() -> None:
    aws = frozen()
    aws.functions.runs_its_code = False

    def grade(item: dict[str, Any]) -> float:
        if not item["messages"][-1]["content"] and item["metadata"][FIELD]["row"] == 6:
            raise KeyError(CANARY)
        return own_reward(item)

    aws.functions.grade = grade
    aws.functions.reports_errors = True
    with pytest.raises(UncertifiedReward, match=r"FAILED: answers: .*raised.*line 7") as refused:
        certify_run(aws.platform(), RUN, 600)
    assert CANARY not in str(refused.value)


def test_what_the_function_says_may_pass_is_tried_again_by_the_workflow() -> None:
    aws = frozen()
    aws.functions.crashes = 3
    aws.functions.crash_error = "TransientFailure"
    with pytest.raises(Transient, match="could not grade an event 3 times"):
        certify_run(aws.platform(), RUN, 600)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"pass_at": 2}, "certify.pass_at: got 2, wanted a number from 0.01 to 1"),
        ({"margin": 0}, "certify.margin: got 0"),
        ({"budget": 1.5}, "certify.budget: got 1.5, wanted a whole number"),
        ({"margn": 0.5}, "certify.margn: unknown key"),
    ],
)
def test_the_recipes_section_is_checked(section: dict[str, Any], words: str) -> None:
    from rft_contract.recipe import Recipe

    with pytest.raises(ValueError, match=words):
        Recipe.from_json(recipe_json(certify=section))
