"""The sweeper: whatever was lost on the way, a run is closed in the end and nothing that it made goes on."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rft_contract.json_value import JsonObject
from rft_contract.layout import OPEN_RUNS, RunKeys
from rft_contract.outcomes import Outcome, RunFailed
from rft_handlers import close as close_handler
from rft_handlers import sweep as sweep_handler
from rft_runtime.clients import Clients
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending, read_ending
from rft_runtime.frozen_data import freeze
from rft_runtime.model_retention import Fate, ModelCatalog, Retention
from rft_runtime.plan import plan
from rft_runtime.platform import Platform
from rft_runtime.releases.release_store import KeptRelease, ReleaseStore
from rft_runtime.run_record import RunRecord
from rft_runtime.sweeping import OF_EACH_KIND, Swept, sweep
from rft_runtime.training import poll_training, start_training
from rft_runtime.validation import validate
from tests.unit.fakes.account import ACCOUNT, BUCKET, EXECUTION, REGION, RESOURCES, REWARD_FUNCTION, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.listed_bedrock import ListedBedrock
from tests.unit.fakes.recipe import recipe_json, upload
from tests.unit.fakes.service_models import aws_error, check_request

RUN = "tickets-1"
KEYS = RunKeys(RUN)
MODEL = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/amazon.nova-2-lite-v1:0:256k/aaaabbbbcccc"
AGO = timedelta(hours=2)
RETENTION = Retention(keep_releases=2, rejected_days=7)


def new_aws() -> FakeAws:
    return FakeAws(bedrock=ListedBedrock())


def bedrock_of(aws: FakeAws) -> ListedBedrock:
    return cast(ListedBedrock, aws.bedrock)


def training() -> FakeAws:
    """Return a run in the middle of its training, which began two hours ago."""
    return deepcopy(_training())


@cache
def _training() -> FakeAws:
    aws = new_aws()
    upload(aws)
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(), facts=facts)
    validate(aws.platform(), RUN)
    freeze(aws.platform(), RUN)
    start_training(aws.platform(), RUN)
    aws.bedrock.job()["creationTime"] -= AGO
    mark = json.loads(aws.s3.objects[KEYS.open])
    aws.s3.put(KEYS.open, json.dumps(mark | {"since": (datetime.now(UTC) - AGO).isoformat()}).encode())
    aws.states.executions[RUN] = ("RUNNING", None)
    return aws


def deployed() -> FakeAws:
    """Return a run whose candidate is deployed, so that there is one thing of every kind to clean up."""
    return deepcopy(_deployed())


@cache
def _deployed() -> FakeAws:
    aws = training()
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL)
    poll_training(aws.platform(), RUN, 30)
    tags = [{"key": "rft:run", "value": RUN}, {"key": "rft:environment", "value": "dev"}]
    aws.bedrock.create_custom_model_deployment(modelDeploymentName=f"dev-{RUN}-candidate", modelArn=MODEL, tags=tags)
    aws.bedrock.job()["status"] = "InProgress"
    return aws


def end(aws: FakeAws, status: str = "ABORTED", ago: timedelta = AGO) -> None:
    aws.states.executions[RUN] = (status, datetime.now(UTC) - ago)


def swept(aws: FakeAws, **options: Any) -> Swept:
    def close(event: JsonObject) -> None:
        close_run(aws.platform(), str(event["run_id"]), read_ending(event), cast(str | None, event.get("execution")))

    return sweep(aws.platform(), **{"rewards": [REWARD_FUNCTION], "retention": RETENTION, "close": close, **options})


def record(aws: FakeAws, run_id: str = RUN) -> RunRecord:
    return aws.platform().runs.load(run_id)


def assert_nothing_is_left(aws: FakeAws) -> None:
    assert record(aws).closed is not None
    assert aws.bedrock.job()["status"] == "Stopping"
    assert aws.functions.aliases == {}
    assert aws.bedrock.deployments == {}
    assert KEYS.report_json in aws.s3.objects
    assert KEYS.report_markdown in aws.s3.objects
    assert [key for key in aws.s3.objects if key.startswith(OPEN_RUNS)] == []
    assert len(aws.sns.messages) <= 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("ABORTED", "STOPPED"), ("TIMED_OUT", "OVER_LIMIT"), ("FAILED", "FAILED"), ("SUCCEEDED", "FAILED")],
)
def test_the_sweeper_alone_closes_a_run_whose_event_was_lost(status: str, outcome: str) -> None:
    aws = deployed()
    end(aws, status)
    assert swept(aws) == Swept(closing=[RUN], removed=[], models=[], failures=[])
    assert record(aws).outcome == outcome
    assert_nothing_is_left(aws)
    assert len(aws.sns.messages) == 1
    assert swept(aws) == Swept(closing=[], removed=[], models=[], failures=[])


def test_a_run_that_goes_on_is_left_alone() -> None:
    aws = deployed()
    assert swept(aws) == Swept(closing=[], removed=[], models=[], failures=[])
    assert aws.bedrock.job()["status"] == "InProgress"
    assert len(aws.functions.aliases) == len(aws.bedrock.deployments) == 1


def test_the_event_has_some_minutes_before_the_sweeper_steps_in() -> None:
    aws = training()
    end(aws, ago=timedelta(minutes=1))
    assert swept(aws).closing == []
    end(aws, ago=timedelta(minutes=6))
    assert swept(aws).closing == [RUN]


def test_without_patience_the_sweeper_steps_in_at_once() -> None:
    aws = deployed()
    end(aws, ago=timedelta(0))
    assert swept(aws, patience=timedelta(0)).closing == [RUN]
    assert_nothing_is_left(aws)


def test_a_run_whose_execution_is_forgotten_is_closed() -> None:
    aws = training()
    aws.states.executions.clear()
    assert swept(aws).closing == [RUN]
    assert record(aws).reason == "its execution does not exist any more"
    assert_nothing_is_left(aws)


def test_plan_died_between_mark_and_record() -> None:
    aws = training()
    del aws.s3.objects[KEYS.record]
    aws.bedrock.jobs.clear()
    aws.functions.aliases.clear()
    end(aws, "FAILED")
    assert swept(aws).closing == [RUN]
    assert record(aws).execution_arn == EXECUTION + RUN
    assert KEYS.open not in aws.s3.objects


def test_a_closing_that_could_not_do_everything_is_finished() -> None:
    aws = deployed()
    aws.bedrock.broken = {"StopModelCustomizationJob"}
    with pytest.raises(Exception, match="stop the job"):
        close_run(aws.platform(), RUN, Ending(Outcome.REJECTED, "no gain"))
    end(aws, "SUCCEEDED")
    aws.bedrock.broken = set()
    assert swept(aws).closing == [RUN]
    assert record(aws).outcome == Outcome.REJECTED
    assert_nothing_is_left(aws)


class Killed(BaseException):
    """The end of a Lambda function in the middle: no `except Exception` sees it."""


class Mortal:
    """A client whose process dies right after a call; all clients count together."""

    def __init__(self, client: Any, left: list[int]) -> None:
        self._client, self._left = client, left

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method

        def call(*args: Any, **options: Any) -> Any:
            answer = method(*args, **options)
            self._left[0] -= 1
            if self._left[0] == 0:
                raise Killed
            return answer

        return call


def mortal(aws: FakeAws, calls: int) -> Platform:
    left = [calls]
    clients = SimpleNamespace(
        **{name: Mortal(getattr(aws, name), left) for name in ("s3", "functions", "bedrock", "sns", "states")}
    )
    return Platform(environment="dev", bucket_name=BUCKET, clients=cast(Clients, clients))


def deaths() -> Iterator[int]:
    """Count the AWS calls of a whole closing: it may die after each."""
    aws, most = deployed(), 1000
    platform = mortal(aws, most)
    close_run(platform, RUN, Ending(Outcome.FAILED, "no reason"))
    yield from range(1, most - cast(Any, platform.clients).s3._left[0] + 1)


DEATHS = tuple(deaths())


def test_a_closing_takes_several_calls() -> None:
    assert len(DEATHS) > 15


@pytest.mark.parametrize("calls", DEATHS)
def test_a_closing_that_died_anywhere_is_finished_by_the_sweeper(calls: int) -> None:
    aws = deployed()
    with pytest.raises(Killed):
        close_run(mortal(aws, calls), RUN, Ending(Outcome.FAILED, "the first word"))
    end(aws, "FAILED")
    assert swept(aws).failures == []
    assert_nothing_is_left(aws)


def test_a_sweep_that_died_anywhere_is_finished_by_the_next() -> None:
    for calls in range(1, 60):
        aws = deployed()
        end(aws)
        platform = mortal(aws, calls)

        def close(event: JsonObject, platform: Platform = platform) -> None:
            close_run(platform, str(event["run_id"]), read_ending(event), str(event["execution"]))

        try:
            sweep(platform, rewards=[REWARD_FUNCTION], retention=RETENTION, close=close)
        except Killed:
            assert swept(aws).failures == []
            assert_nothing_is_left(aws)
        else:
            break
    else:
        pytest.fail("a sweep takes fewer calls")


def test_two_sweeps_at_once_agree() -> None:
    aws = deployed()
    end(aws)

    def close(event: JsonObject) -> None:
        assert swept(aws).failures == []  # the other one is faster
        close_run(aws.platform(), RUN, read_ending(event), str(event["execution"]))

    assert swept(aws, close=close).failures == []
    assert_nothing_is_left(aws)
    assert len(aws.sns.messages) == 1


def test_a_sweep_reads_open_runs_only() -> None:
    aws = training()
    for number in range(10_000):
        aws.s3.objects[RunKeys(f"old-{number}").record] = b"not even read"
    reads: list[str] = []
    get = aws.s3.get_object

    def counted(**request: Any) -> Any:
        reads.append(request["Key"])
        return get(**request)

    aws.s3.get_object = counted  # type: ignore[method-assign]  # counts
    assert swept(aws).failures == []
    assert not [key for key in reads if "old-" in key]
    assert len(reads) < 10


def test_one_sweep_closes_the_oldest_runs_and_the_next_goes_on() -> None:
    aws = new_aws()
    for number in range(OF_EACH_KIND + 10):
        began = datetime.now(UTC) - timedelta(hours=3, minutes=number)
        aws.platform().runs.create(
            RunRecord(run_id=f"r-{number}", environment="dev", started=began, execution_arn=f"{EXECUTION}r-{number}")
        )
        aws.states.executions[f"r-{number}"] = ("ABORTED", began)
    first = swept(aws)
    assert first.closing == [f"r-{number}" for number in range(OF_EACH_KIND + 9, 9, -1)]
    assert swept(aws).closing == [f"r-{number}" for number in range(9, -1, -1)]


def test_one_failure_keeps_nothing_else_from_being_done() -> None:
    aws = deployed()
    end(aws)
    aws.platform().runs.create(
        RunRecord(run_id="broken", environment="dev", started=datetime.now(UTC) - 2 * AGO, execution_arn="x")
    )
    aws.s3.put(RunKeys("broken").record, b"not json")
    aws.bedrock.broken = {"ListModelCustomizationJobs"}
    result = swept(aws)
    assert result.closing == [RUN]
    assert [failure.partition(":")[0] for failure in result.failures] == ["run broken", "strays"]


def closed_long_ago(aws: FakeAws, ago: timedelta = AGO) -> None:
    """Close the run and forget it: what appears now was on its way when it was closed."""
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "over"))
    ended = {"ended": (datetime.now(UTC) - ago).isoformat()}
    aws.s3.put(KEYS.record, json.dumps(json.loads(aws.s3.objects[KEYS.record]) | ended).encode())


def leave_strays(aws: FakeAws, *, environment: str = "dev", run_id: str = RUN, **more: str) -> None:
    """Put a job, a deployment and an alias of the run into the account."""
    marks = {"rft:run": run_id, "rft:environment": environment, **more}
    tags = [{"key": key, "value": value} for key, value in marks.items()]
    bedrock_of(aws).since = datetime.now(UTC) - AGO
    aws.bedrock.job()["status"] = "InProgress"
    aws.bedrock.tags[aws.bedrock.job()["jobArn"]] = tags
    aws.bedrock.create_custom_model_deployment(modelDeploymentName=f"dev-{RUN}-candidate", modelArn=MODEL, tags=tags)
    aws.functions.create_alias(FunctionName=REWARD_FUNCTION, Name=f"run-{RUN}", FunctionVersion="7")


def test_strays_of_a_run_that_is_over_are_removed() -> None:
    aws = training()
    closed_long_ago(aws)
    leave_strays(aws)
    assert swept(aws).removed == [
        f"job dev-{RUN}",
        f"deployment dev-{RUN}-candidate",
        f"alias {REWARD_FUNCTION}:run-{RUN}",
    ]
    assert_nothing_is_left(aws)
    assert swept(aws).removed == []


def test_strays_without_any_record_are_removed() -> None:
    aws = training()
    closed_long_ago(aws)
    del aws.s3.objects[KEYS.record]
    leave_strays(aws)
    assert len(swept(aws).removed) == 3


def test_a_run_that_ended_just_now_may_still_be_cleaning_up() -> None:
    aws = training()
    closed_long_ago(aws, timedelta(minutes=30))
    leave_strays(aws)
    assert swept(aws).removed == []
    assert len(swept(aws, stray_age=timedelta(minutes=10)).removed) == 3


def test_a_run_of_a_version_without_marks_is_no_stray() -> None:
    aws = training()
    del aws.s3.objects[KEYS.open]
    assert swept(aws).removed == []


@pytest.mark.parametrize(
    "tags", [{"environment": "prod"}, {"run_id": "another"}, {"rft:role": "live"}], ids=["environment", "run", "live"]
)
def test_what_only_bears_the_name_or_is_live_is_never_touched(tags: dict[str, str]) -> None:
    aws = training()
    closed_long_ago(aws)
    leave_strays(aws, **cast(Any, tags))
    swept(aws)
    assert len(aws.bedrock.deployments) == 1
    if "rft:role" not in tags:
        assert aws.bedrock.job()["status"] == "InProgress"


def test_aliases_of_people_stay() -> None:
    aws = new_aws()
    for name in ("live", "run", "run-", "run-UPPER", "blue"):
        aws.functions.aliases[REWARD_FUNCTION, name] = {"AliasArn": name, "FunctionVersion": "7"}
    assert swept(aws).removed == []


NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def model_of(aws: FakeAws, number: int, *, run_id: str, ended_days_ago: float = 30, **values: Any) -> str:
    """Put a run's record and its custom model into the account."""
    ended = NOW - timedelta(days=ended_days_ago)
    aws.platform().runs.create(
        RunRecord(
            run_id=run_id,
            environment="dev",
            started=ended,
            **{"status": "ENDED", "ended": ended, "closed": ended, "recipe": {"line": "routing"}, **values},
        )
    )
    aws.platform().runs.mark_closed(run_id)
    return bedrock_of(aws).add_model(f"dev-{run_id}", number, run_id)


@dataclass
class Releases:
    """One line whose last two releases are kept."""

    kept: tuple[KeptRelease, ...]
    environment: str = "dev"

    def lines(self) -> tuple[str, ...]:
        return ("routing",)

    def releases_kept(self, line: str, keep: int) -> tuple[KeptRelease, ...]:
        assert (line, keep) == ("routing", RETENTION.keep_releases)
        return self.kept


def fates(aws: FakeAws, *kept: str) -> dict[str, Fate]:
    """Judge the models of an environment whose kept releases, from number 2, have these models."""
    releases = Releases(tuple(KeptRelease(number=number, model_arn=arn) for number, arn in enumerate(kept, 2)))
    catalog = ModelCatalog(cast(Any, aws.bedrock), aws.platform().runs, cast(ReleaseStore, releases))
    return {fate.name.removeprefix("dev-"): fate for fate in catalog.models(RETENTION, NOW)}


def test_the_last_releases_stay_and_older_ones_go() -> None:
    aws = new_aws()
    models = [
        model_of(aws, number, run_id=f"r-{number}", outcome="PROMOTED", release=number, ended_days_ago=1)
        for number in (1, 2, 3)
    ]
    found = fates(aws, *models[1:])
    assert {name: (fate.goes, fate.needed, fate.release, fate.line) for name, fate in found.items()} == {
        "r-1": (True, False, 1, "routing"),
        "r-2": (False, True, 2, "routing"),
        "r-3": (False, True, 3, "routing"),
    }
    assert found["r-3"].reason == "release 3 of line routing"
    assert found["r-1"].reason == "release 1 of line routing, which keeps the last 2"


@pytest.mark.parametrize(
    ("values", "days", "goes", "reason"),
    [
        ({"outcome": "REJECTED"}, 8, True, "^rejected; goes after 2026-11-24 12:00 UTC$"),
        ({"outcome": "REJECTED"}, 6, False, "^rejected; goes after 2026-11-26 12:00 UTC$"),
        ({"outcome": "PASSED"}, 400, False, "passed the gate and its recipe promotes nothing"),
        ({"outcome": "FAILED"}, 400, False, "ended FAILED after training: delete it by hand"),
        ({"status": "RUNNING", "ended": None}, 400, False, "run r-1 goes on"),
    ],
)
def test_other_models_go_by_how_their_run_ended(values: dict[str, Any], days: float, goes: bool, reason: str) -> None:
    aws = new_aws()
    model_of(aws, 1, run_id="r-1", ended_days_ago=days, **values)
    fate = fates(aws)["r-1"]
    assert fate.goes is goes
    assert re.search(reason, fate.reason)


def test_what_any_deployment_serves_stays() -> None:
    aws = new_aws()
    arn = model_of(aws, 1, run_id="r-1", outcome="REJECTED")
    aws.bedrock.create_custom_model_deployment(modelDeploymentName="by-hand", modelArn=arn)
    fate = fates(aws)["r-1"]
    assert (fate.goes, fate.needed, fate.reason) == (False, True, "the deployment by-hand serves it")


def test_a_model_without_our_tags_or_record_stays() -> None:
    aws = new_aws()
    arn = model_of(aws, 1, run_id="r-1", outcome="REJECTED")
    aws.bedrock.tags[arn] = [{"key": "rft:environment", "value": "prod"}, {"key": "rft:run", "value": "r-1"}]
    bedrock_of(aws).add_model("dev-unknown", 2, "unknown")
    bedrock_of(aws).add_model("other-dev-r-1", 3, "r-1")
    found = fates(aws)
    assert {name: fate.goes for name, fate in found.items()} == {"r-1": False, "unknown": False}
    assert "not its tags" in found["r-1"].reason
    assert "no run has a record of it" in found["unknown"].reason


def test_the_sweeper_deletes_what_goes_and_nothing_else() -> None:
    aws = new_aws()
    old = [model_of(aws, number, run_id=f"old-{number}", outcome="REJECTED") for number in (1, 2)]
    model_of(aws, 3, run_id="passed", outcome="PASSED")
    assert swept(aws).models == old
    assert list(bedrock_of(aws).made) == ["dev-passed"]


def test_a_model_that_bedrock_still_uses_is_tried_again() -> None:
    aws = new_aws()
    model_of(aws, 1, run_id="old-1", outcome="REJECTED")
    model_of(aws, 2, run_id="old-2", outcome="REJECTED")
    delete = bedrock_of(aws).delete_custom_model

    def refuse_first(*, modelIdentifier: str) -> None:
        if modelIdentifier.endswith("1"):
            raise aws_error("ConflictException", "DeleteCustomModel", 409)
        delete(modelIdentifier=modelIdentifier)

    bedrock_of(aws).delete_custom_model = refuse_first  # type: ignore[method-assign]  # Bedrock's answer in this test
    result = swept(aws)
    assert len(result.models) == len(result.failures) == 1
    assert result.failures[0].startswith("model dev-old-1: DeleteCustomModel: ConflictException")


def test_the_function_hands_runs_to_the_closing_handler_and_fails_when_something_could_not_be_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = training()
    end(aws)
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(aws.functions, "invoke", lambda **request: calls.append(request), raising=False)
    monkeypatch.setattr(sweep_handler, "here", aws.platform)
    event: JsonObject = {
        "rewards": [REWARD_FUNCTION],
        "close_function": "dev-close",
        "keep_releases": 3,
        "rejected_model_days": 7,
    }
    assert sweep_handler.handler(event, None)["closing"] == [RUN]
    assert json.loads(capsys.readouterr().out)["closing"] == [RUN]
    (call,) = calls
    check_request("lambda", "Invoke", call)
    assert (call["FunctionName"], call["InvocationType"]) == ("dev-close", "Event")
    monkeypatch.setattr(close_handler, "here", aws.platform)
    assert close_handler.handler(json.loads(call["Payload"]), None)["outcome"] == "STOPPED"
    aws.bedrock.broken = {"ListCustomModels"}
    with pytest.raises(RunFailed, match=r"^models: ListCustomModels: ThrottlingException"):
        sweep_handler.handler(event, None)
