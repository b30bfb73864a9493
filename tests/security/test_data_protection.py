"""docs/data-protection.md: where text lies, how long, and who reads it are what the constructs say."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rft_contract import layout
from rft_contract.layout import HOLDS_TAG, ROLLOUTS, RunKeys
from tests.security.test_people import PEOPLE, made

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "data-protection.md").read_text()
ROWS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "cases" / "data_protection.json").read_text())
TEXT = ("prompts", "completions", "references")
LOG_DAYS = {"local": 7, "dev": 30, "staging": 90, "prod": 365}


def data_bucket(platform: Any) -> dict[str, Any]:
    (bucket,) = (
        resource["Properties"]
        for name, resource in platform.of_type("AWS::S3::Bucket").items()
        if "AccessLogs" not in name
    )
    return dict(bucket)


def days(rules: list[dict[str, Any]], key: str, tags: dict[str, str]) -> int | None:
    """Return after how many days S3 lets an object expire; None: never."""
    found = [
        rule["ExpirationInDays"]
        for rule in rules
        if rule["Status"] == "Enabled"
        and "ExpirationInDays" in rule
        and key.startswith(rule.get("Prefix", ""))
        and all(tags.get(tag["Key"]) == tag["Value"] for tag in rule.get("TagFilters", []))
    ]
    return min(found, default=None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["key"]))
def test_how_long_it_is_kept(platform: Callable[[str], Any], row: dict[str, Any]) -> None:
    rules = data_bucket(platform("prod"))["LifecycleConfiguration"]["Rules"]
    expires = days(rules, row["key"], {HOLDS_TAG: ROLLOUTS} if row.get("tagged") else {})
    assert row["kept"] in ([f"{expires} days"] if expires else ["until deleted", "until the run is closed"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["key"]))
def test_the_page_says_what_lies_there_and_who_reads_it(platform: Callable[[str], Any], row: dict[str, Any]) -> None:
    people = made(platform, "local")
    readers = [
        person
        for person in PEOPLE
        if people.allows(people.policies[person], ["s3:GetObject", "{bucket}/" + row["key"]])
    ]
    if set(row["holds"]) & set(TEXT):
        assert "Auditor" not in readers
    where = ", ".join(f"`{part}`" for part in row["where"].split(", "))
    cells = [where, ", ".join(row["holds"]) or "none", row["kept"], ", ".join(readers) or "nobody"]
    assert f"| {' | '.join(cells)} |" in PAGE


def test_every_place_of_the_layout_has_a_row() -> None:
    keys = [value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)]
    prefixes = {value for value in keys if value.endswith("/") or value == layout.PLACES}
    assert prefixes == {"datasets/", "runs/", "open-runs/", "places.json", "certificates/", "releases/", "log-samples/"}
    listed = " ".join(row["where"] for row in ROWS)
    assert not [prefix for prefix in prefixes if prefix not in listed]
    run = RunKeys("a")
    own = [
        getattr(run, name)
        for name, member in inspect.getmembers(RunKeys)
        if isinstance(member, property) and name not in ("prefix", "open")
    ]
    own += [run.data("train"), run.graded("held_out", "base", "greedy", 0)]
    for key in own:
        inside = key.removeprefix(run.prefix)
        assert inside in listed or f"{inside.partition('/')[0]}/" in listed, key


@pytest.mark.parametrize("environment", LOG_DAYS)
def test_everything_is_encrypted_with_the_environments_key(platform: Callable[[str], Any], environment: str) -> None:
    found = platform(environment)
    encryption = data_bucket(found)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in encryption] == ["aws:kms"]
    groups = found.of_type("AWS::Logs::LogGroup").values()
    assert len(groups) > 20
    for group in groups:
        assert "KmsKeyId" in group["Properties"]
        assert group["Properties"]["RetentionInDays"] == LOG_DAYS[environment]
    for machine in found.of_type("AWS::StepFunctions::StateMachine").values():
        assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert "EncryptionConfiguration" in machine["Properties"]
    assert all("KmsMasterKeyId" in topic["Properties"] for topic in found.of_type("AWS::SNS::Topic").values())
