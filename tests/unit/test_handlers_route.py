"""Every handler, called as Step Functions calls it: JSON in, JSON out."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from rft_contract.layout import RunKeys
from rft_runtime import platform as platform_module
from tests.unit.fakes.account import BUCKET, EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json, upload
from tests.unit.test_runtime_promotion import LINE, LIVE
from tests.unit.test_runtime_promotion import decided as decided_run

RUN = "tickets-1"
MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/aaaabbbbcccc"
Call = Callable[..., Any]


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def aws() -> FakeAws:
    aws = FakeAws()
    upload(aws)
    return aws


@pytest.fixture
def call(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Call:
    def called(name: str, **event: Any) -> Any:
        module = importlib.import_module(f"rft_handlers.{name}")
        monkeypatch.setattr(module, "here", aws.platform)
        return json.loads(json.dumps(module.handler(json.loads(json.dumps({"run_id": RUN, **event})), Context())))

    return called


def start(call: Call) -> None:
    call(
        "plan",
        recipe=recipe_json(),
        execution=EXECUTION + RUN,
        settings=SETTINGS.to_json(),
        resources=RESOURCES.to_json(),
    )


def test_a_run_from_plan_to_close(aws: FakeAws, call: Call) -> None:
    start(call)
    assert call("validate") == {"run_id": RUN}
    assert call("freeze") == {"run_id": RUN}
    aws.functions.runs_its_code = True
    assert call("certify") == {"run_id": RUN}
    aws.functions.runs_its_code = False
    assert call("train_start") == {"run_id": RUN, "wait_seconds": 30}
    assert call("train_poll", wait_seconds=30) == {"run_id": RUN, "progress": "WAITING", "wait_seconds": 60}
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    assert call("train_poll", wait_seconds=60)["progress"] == "DONE"
    assert call("deploy_start") == {"run_id": RUN, "wait_seconds": 30}
    assert call("deploy_poll", wait_seconds=30)["progress"] == "WAITING"
    aws.bedrock.deployments[f"dev-{RUN}-candidate"]["status"] = "Active"
    assert call("deploy_poll", wait_seconds=60)["progress"] == "DONE"
    aws.functions.grade = lambda item: float(item["metadata"]["rft"]["phase"] == "candidate")
    graded = [
        call("rollout", BatchInput={"run_id": RUN}, Items=[json.loads(line)])["graded"]
        for line in aws.s3.objects[RunKeys(RUN).shards].splitlines()
    ]
    assert sum(graded) == 2 * 100 * (1 + 2)
    decided = call("decide")
    assert decided["outcome"] == "PASSED"
    closed = call("close", execution=EXECUTION + RUN, **{name: decided[name] for name in ("outcome", "reason")})
    assert decided.pop("promote") is False
    assert closed == decided
    again = call("close", execution_status="SUCCEEDED", execution=EXECUTION + RUN)
    assert again == decided


def test_releases_from_promotion_to_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    released = decided_run()
    for name in ("promote_start", "promote_poll", "release_settle", "release_rollback"):
        monkeypatch.setattr(importlib.import_module(f"rft_handlers.{name}"), "here", released.platform)

    def called(name: str, **event: Any) -> Any:
        module = importlib.import_module(f"rft_handlers.{name}")
        return json.loads(json.dumps(module.handler(event, Context())))

    assert called("promote_start", run_id=RUN) == {"run_id": RUN, "wait_seconds": 30}
    waiting = {"run_id": RUN, "progress": "WAITING", "wait_seconds": 60}
    assert called("promote_poll", run_id=RUN, wait_seconds=30) == waiting
    assert called("release_settle") == {"lines": 1, "under_way": 1}
    released.bedrock.settle_deployment(LIVE)
    done = called("promote_poll", run_id=RUN, wait_seconds=60)
    assert (done["progress"], done["outcome"]) == ("DONE", "PROMOTED")
    assert called("release_settle") == {"lines": 1, "under_way": 0}
    answer = called("release_rollback", line=LINE, token="token", to=1)
    assert answer == {"line": LINE, "release": 1, "progress": "DONE"}
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        called("release_rollback", line=LINE, token="token", release=1)


def test_state_data_hold_no_text_of_the_data(aws: FakeAws, call: Call) -> None:
    start(call)
    results = [call(name) for name in ("validate", "freeze", "train_start")]
    assert "where is my money" not in json.dumps(results)
    assert b"where is my money" not in aws.s3.objects[RunKeys(RUN).shards]
    assert b"where is my money" not in aws.s3.objects[RunKeys(RUN).record]


def test_here_reads_the_functions_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_BUCKET", BUCKET)
    monkeypatch.setenv("RFT_ENVIRONMENT", "dev")
    platform_module.here.cache_clear()
    try:
        here = platform_module.here()
        assert (here.bucket_name, here.environment) == (BUCKET, "dev")
        assert platform_module.here() is here
    finally:
        platform_module.here.cache_clear()
