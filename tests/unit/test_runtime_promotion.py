"""Promotion, its failures and its undoing, against in-memory AWS: what applications get changes only by a release."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from rft_contract.outcomes import Outcome, RunFailed, RunStopped, Stale, Transient
from rft_runtime.closing import close_run
from rft_runtime.decision import decide_run, is_to_be_promoted
from rft_runtime.ending import Ending
from rft_runtime.plan import plan
from rft_runtime.releases import evidence, release_change
from rft_runtime.releases.current import Change, ChangeKind, Current
from rft_runtime.releases.promotion import poll_promotion, start_promotion
from rft_runtime.releases.release import Release, encode_release
from rft_runtime.releases.release_change import restoring, settle
from rft_runtime.releases.release_manifest import build_manifest
from rft_runtime.releases.release_store import ReleaseStore, release_store
from rft_runtime.report import decode_report
from rft_runtime.run_record import LiveRelease
from tests.unit.fakes.account import ACCOUNT, EXECUTION, REGION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_workflow import RUN, evaluated

LINE = "ticket-routing"
LIVE = "dev-ticket-routing-live"
PARAMETERS = ("model", "deployment", "release")


def model(name: str) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/amazon.nova-2-lite-v1:0:256k/{name:a<12}"


@cache
def passed() -> FakeAws:
    """Return a run that passed the gate, made once."""
    aws = evaluated(promote=True)
    decide_run(aws.platform(), RUN)
    return aws


def decided(run_ids: tuple[str, ...] = (RUN,)) -> FakeAws:
    """Return runs that all passed the gate and were compared with what is live, as if nobody else was about."""
    aws = deepcopy(passed())
    again(aws, *run_ids)
    return aws


def again(aws: FakeAws, *run_ids: str) -> None:
    """Make runs with candidates of their own, each planned by now, out of the one that was evaluated."""
    store, first = aws.platform().runs, aws.platform().runs.load(RUN)
    live = current(aws).live
    for run_id in run_ids:
        if store.find(run_id) is None:
            store.create(msgspec.structs.replace(first, run_id=run_id, release=None, status="RUNNING", stages={}))
            for key in [key for key in aws.s3.objects if key.startswith(f"runs/{RUN}/") and "run.json" not in key]:
                aws.s3.put(key.replace(f"runs/{RUN}/", f"runs/{run_id}/"), aws.s3.objects[key])
        store.set(run_id, model_arn=model(run_id.replace("-", "")), live=live)


def current(aws: FakeAws) -> Current:
    return release_store(aws.platform()).current(LINE)


def promote(aws: FakeAws, run_id: str) -> dict[str, Any]:
    """Promote a run as the state machine does."""
    start_promotion(aws.platform(), run_id)
    for _ in range(10):
        answer = poll_promotion(aws.platform(), run_id, 30)
        if answer["progress"] == "DONE":
            return answer
        if LIVE in aws.bedrock.deployments and is_under_way(aws):
            aws.bedrock.settle_deployment(LIVE)
    raise AssertionError(f"not promoted: {answer}")


def is_under_way(aws: FakeAws) -> bool:
    deployment = aws.bedrock.deployments[LIVE]
    update: dict[str, str] = deployment.get("updateDetails", {})
    return bool(deployment["status"] == "Creating" or update.get("updateStatus") == "Updating")


def serves(aws: FakeAws) -> str:
    return str(aws.bedrock.deployments[LIVE]["modelArn"])


def parameters(aws: FakeAws) -> list[str]:
    return [aws.ssm.parameters[f"/dev-Rft/{LINE}/{name}"] for name in PARAMETERS]


def older(aws: FakeAws, run_id: str) -> None:
    """Let a run have ended long ago, so that nothing of it can be at work."""

    def changed(record: Any) -> Any:
        return msgspec.structs.replace(record, ended=datetime.now(UTC) - timedelta(hours=1))

    aws.platform().runs.update(run_id, changed)


def test_the_first_promotion_makes_the_lines_deployment_and_tells_everybody() -> None:
    aws = decided()
    answer = promote(aws, RUN)
    assert (answer["outcome"], answer["reason"]) == ("PROMOTED", f"release 1 of line {LINE} is live")
    found, arn = current(aws), aws.bedrock.deployments[LIVE]["customModelDeploymentArn"]
    assert (found.release, found.deployment_arn, found.model_arn) == (1, arn, serves(aws))
    assert found.change is None
    assert aws.bedrock.tags[arn] == [
        {"key": "rft:role", "value": "live"},
        {"key": "rft:line", "value": LINE},
        {"key": "rft:environment", "value": "dev"},
    ]
    assert parameters(aws) == [serves(aws), arn, "1"]
    (event,) = aws.events.entries
    assert (event["Source"], event["DetailType"]) == ("rft", "RFT Model Promoted")
    assert {"line": LINE, "release": 1, "previous": None, "run": RUN}.items() <= json.loads(event["Detail"]).items()
    (alarm,) = aws.cloudwatch.alarms.values()
    assert alarm["AlarmName"].startswith("dev-Rft-live-")
    assert alarm["Dimensions"] == [{"Name": "ModelId", "Value": arn}]
    assert alarm["AlarmActions"] == [RESOURCES.topic_arn]


def test_the_next_promotion_changes_the_model_behind_the_same_deployment() -> None:
    aws = decided()
    promote(aws, RUN)
    arn = aws.bedrock.deployments[LIVE]["customModelDeploymentArn"]
    again(aws, "second")
    promote(aws, "second")
    assert aws.bedrock.deployments[LIVE]["customModelDeploymentArn"] == arn
    assert parameters(aws) == [model("second"), arn, "2"]
    assert [turn.release for turn in current(aws).history] == [1, 2]


def test_manifests_say_what_a_release_is_made_of_and_link_to_the_one_before() -> None:
    aws = decided()
    promote(aws, RUN)
    again(aws, "second")
    promote(aws, "second")
    store = release_store(aws.platform())
    first, second = store.load(LINE, 1), store.load(LINE, 2)
    body = aws.s3.objects[f"releases/{LINE}/1.json"]
    assert second.previous is not None
    assert (second.previous.number, second.previous.sha256) == (1, sha256(body).hexdigest())
    assert current(aws).manifest_sha256 == sha256(aws.s3.objects[f"releases/{LINE}/2.json"]).hexdigest()
    record = aws.platform().runs.load(RUN)
    assert (first.reward.sha256, first.reward.version) == (record.reward_hash, "7")
    assert first.reward.certificates == {"train": "PASSED", "held_out": "PASSED"}
    assert (first.held_out.sha256, first.held_out.looks) == (record.datasets["held_out"].sha256, 1)
    assert (first.recipe, first.job_arn, first.model_arn) == (record.recipe, record.job_arn, record.model_arn)
    assert first.decision.outcome == "PASSED"
    assert (first.metrics.arms["candidate"].accuracy, first.metrics.gain.absolute) == (1.0, 0.5)
    assert json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body


def test_a_manifest_is_written_once() -> None:
    aws = decided()
    promote(aws, RUN)
    store = release_store(aws.platform())
    release = store.load(LINE, 1)
    other = msgspec.structs.replace(release, run_id="other")
    with pytest.raises(RunFailed, match="manifests are written once"):
        store.create(LINE, 1, encode_release(other))
    assert encode_release(store.load(LINE, 1)) != encode_release(other)


def test_plan_notes_what_is_live() -> None:
    aws = decided()
    promote(aws, RUN)
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    found = plan(aws.platform(), run_id="next", execution=EXECUTION + "next", recipe=recipe_json(), facts=facts)
    deployment = aws.bedrock.deployments[LIVE]
    assert found.live == LiveRelease(
        release=1, model_arn=deployment["modelArn"], deployment_arn=deployment["customModelDeploymentArn"], turns=1
    )


def test_of_two_runs_that_were_compared_with_the_same_release_one_is_promoted() -> None:
    aws = decided((RUN, "second"))
    start_promotion(aws.platform(), RUN)
    start_promotion(aws.platform(), "second")
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "WAITING"
    aws.bedrock.settle_deployment(LIVE)
    assert poll_promotion(aws.platform(), RUN, 30)["progress"] == "DONE"
    calls = len(aws.bedrock.calls)
    with pytest.raises(Stale, match=r"^stale: release 1 of line ticket-routing is live by now.* with none;"):
        poll_promotion(aws.platform(), "second", 30)
    assert len(aws.bedrock.calls) == calls
    assert current(aws).release == 1


def test_a_run_whose_rival_comes_to_nothing_is_promoted() -> None:
    aws = decided((RUN, "second"))
    start_promotion(aws.platform(), RUN)
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE, fails=True)
    with pytest.raises(RunFailed, match="failed: no message; nothing is live"):
        poll_promotion(aws.platform(), RUN, 30)
    assert aws.bedrock.deployments == {key: value for key, value in aws.bedrock.deployments.items() if key != LIVE}
    promote(aws, "second")
    assert (current(aws).release, serves(aws)) == (2, model("second"))
    assert not release_store(aws.platform()).find(LINE, 1)


def test_a_run_that_was_compared_with_an_older_release_is_stale_at_once() -> None:
    aws = decided((RUN, "second"))
    promote(aws, RUN)
    updates = aws.bedrock.calls.count("UpdateCustomModelDeployment")
    with pytest.raises(Stale):
        start_promotion(aws.platform(), "second")
    assert aws.bedrock.calls.count("UpdateCustomModelDeployment") == updates
    assert Stale.outcome is Outcome.REJECTED


def test_a_failed_update_leaves_the_old_release_live() -> None:
    aws = decided()
    promote(aws, RUN)
    before = (current(aws), parameters(aws))
    again(aws, "second")
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE, fails=True)
    with pytest.raises(RunFailed, match=r"the update of .* failed: no message; release 1 stays live"):
        poll_promotion(aws.platform(), "second", 30)
    after = current(aws)
    assert (msgspec.structs.replace(after, newest=1), parameters(aws)) == before
    assert len(aws.events.entries) == 1
    assert serves(aws) == before[0].model_arn


def test_a_refused_update_is_a_named_failure() -> None:
    aws = decided()
    promote(aws, RUN)
    again(aws, "second")
    aws.bedrock.update_custom_model_deployment = refuse  # type: ignore[method-assign]  # Bedrock's answer in this test
    with pytest.raises(RunFailed, match=r"ResourceNotFoundException.*; release 1 stays live"):
        start_promotion(aws.platform(), "second")
    assert current(aws).change is None


def refuse(**_: Any) -> Any:
    raise aws_error("ResourceNotFoundException", "UpdateCustomModelDeployment", 404)


def test_a_deployment_of_that_name_which_is_not_ours_is_left_alone() -> None:
    aws = decided()
    aws.bedrock.create_custom_model_deployment(modelDeploymentName=LIVE, modelArn=model("foreign"))
    aws.bedrock.settle_deployment(LIVE)
    with pytest.raises(RunFailed, match="lacks the tags of line ticket-routing; delete it or choose another line"):
        start_promotion(aws.platform(), RUN)
    assert serves(aws) == model("foreign")
    assert current(aws).change is None


@pytest.mark.parametrize(
    "step", ["put_parameter", "put_events", "put_metric_alarm", "put_object", "update", "record", "manifest"]
)
def test_a_promotion_that_died_at_any_step_is_continued_by_the_next_look(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = died_at(step, monkeypatch)
    answer = poll_promotion(aws.platform(), "second", 30)
    assert answer["progress"] == "DONE"
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "DONE"
    assert current(aws).change is None
    assert parameters(aws)[0] == model("second") == serves(aws)
    assert aws.bedrock.calls.count("UpdateCustomModelDeployment") == 1
    assert [turn.release for turn in current(aws).history] == [1, 2]
    assert {json.loads(entry["Detail"])["release"] for entry in aws.events.entries} == {1, 2}


@pytest.mark.parametrize(("step", "written"), [("record", False), ("manifest", True), ("put_object", True)])
def test_a_version_that_writes_manifests_otherwise_finishes_what_an_older_one_committed(
    step: str, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment of the platform may come between any two steps, and what was published stays as it is."""
    aws = died_at(step, monkeypatch)

    def otherwise(*arguments: Any) -> Release:
        return msgspec.structs.replace(build_manifest(*arguments), job_arn="of another version")

    monkeypatch.setattr(evidence, "build_manifest", otherwise)
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "DONE"
    manifest = release_store(aws.platform()).load(LINE, 2)
    assert (manifest.job_arn != "of another version") is written
    assert current(aws).manifest_sha256 == release_store(aws.platform()).digest(LINE, 2)
    assert current(aws).change is None


def died_at(step: str, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """Return a line whose second promotion died at a step, with the model in place."""
    aws = decided()
    promote(aws, RUN)
    again(aws, "second")
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    with monkeypatch.context() as patch:
        break_at(aws, step, patch)
        with pytest.raises((Transient, RuntimeError)):
            poll_promotion(aws.platform(), "second", 30)
    return aws


def break_at(aws: FakeAws, step: str, patch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the function died")

    match step:
        case "put_parameter":
            patch.setattr(aws.ssm, "put_parameter", fail)
        case "put_events":
            patch.setattr(aws.events, "broken", True)
        case "put_metric_alarm":
            patch.setattr(aws.cloudwatch, "put_metric_alarm", fail)
        case "put_object":
            patch.setattr(aws.s3, "on_put", lambda key: fail() if key.endswith("current.json") else None)
        case "record":
            patch.setattr(aws.s3, "on_put", lambda key: fail() if key.endswith("run.json") else None)
        case "manifest":
            patch.setattr(aws.s3, "on_put", lambda key: fail() if key.endswith("2.json") else None)
        case "update":
            patch.setattr(release_change, "deployment_with", fail)


def test_a_lambda_that_is_called_twice_at_once_changes_nothing() -> None:
    aws = decided()
    for _ in range(2):
        start_promotion(aws.platform(), RUN)
    aws.bedrock.settle_deployment(LIVE)
    for _ in range(3):
        poll_promotion(aws.platform(), RUN, 30)
    assert aws.bedrock.calls.count("CreateCustomModelDeployment") == 2  # the candidate's and the live one
    assert (current(aws).release, current(aws).newest, len(aws.events.entries)) == (1, 1, 1)


def test_two_calls_that_overtake_each_other_promote_once() -> None:
    aws = decided()
    start_promotion(aws.platform(), RUN)
    aws.bedrock.settle_deployment(LIVE)
    overtakers = iter([lambda: poll_promotion(aws.platform(), RUN, 30)])

    def overtaken(key: str) -> None:
        if key.endswith("/1.json"):
            next(overtakers, lambda: None)()

    aws.s3.on_put = overtaken
    assert poll_promotion(aws.platform(), RUN, 30)["progress"] == "DONE"
    assert next(overtakers, None) is None
    assert [turn.release for turn in current(aws).history] == [1]
    assert current(aws).change is None


def test_what_is_live_already_is_not_taken_back() -> None:
    change = msgspec.structs.replace(CHANGE, switched=True)
    found = Current(line=LINE, environment="dev", release=1, change=change)
    assert restoring(found, change) is found
    assert restoring(msgspec.structs.replace(found, change=CHANGE), CHANGE).change != CHANGE


def stopped(aws: FakeAws, run_id: str) -> None:
    close_run(aws.platform(), run_id, Ending(Outcome.STOPPED, "by hand"))
    older(aws, run_id)


def test_a_first_promotion_whose_run_was_stopped_is_taken_back() -> None:
    aws = decided()
    start_promotion(aws.platform(), RUN)
    stopped(aws, RUN)
    with pytest.raises(RunStopped):
        poll_promotion(aws.platform(), RUN, 30)
    settle(aws.platform(), LINE)
    aws.bedrock.settle_deployment(LIVE) if LIVE in aws.bedrock.deployments else None
    settle(aws.platform(), LINE)
    assert LIVE not in aws.bedrock.deployments
    assert (current(aws).release, current(aws).change, aws.ssm.parameters) == (None, None, {})


def test_a_promotion_whose_run_was_stopped_puts_the_live_release_back() -> None:
    aws = decided()
    promote(aws, RUN)
    again(aws, "second")
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    assert serves(aws) == model("second")
    stopped(aws, "second")
    settle(aws.platform(), LINE)
    aws.bedrock.settle_deployment(LIVE)
    assert settle(aws.platform(), LINE)
    assert serves(aws) == current(aws).model_arn == parameters(aws)[0]
    assert (current(aws).release, len(current(aws).history), len(aws.events.entries)) == (1, 1, 1)


def test_nobody_takes_back_what_a_running_or_just_closed_run_is_at() -> None:
    aws = decided()
    start_promotion(aws.platform(), RUN)
    assert not settle(aws.platform(), LINE)
    close_run(aws.platform(), RUN, Ending(Outcome.STOPPED, "by hand"))
    assert not settle(aws.platform(), LINE)
    assert current(aws).change is not None
    assert current(aws).change.kind is ChangeKind.PROMOTION  # type: ignore[union-attr]  # asserted above


def test_a_run_stopped_after_its_release_was_committed_is_promoted_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = decided()
    start_promotion(aws.platform(), RUN)
    aws.bedrock.settle_deployment(LIVE)
    with monkeypatch.context() as patch:
        break_at(aws, "put_object", patch)
        with pytest.raises(RuntimeError):
            poll_promotion(aws.platform(), RUN, 30)
    ending = close_run(aws.platform(), RUN, Ending(Outcome.STOPPED, "by hand"))
    assert ending == Ending(Outcome.PROMOTED, "release 1 is live, but: by hand")
    assert settle(aws.platform(), LINE)
    assert (current(aws).release, parameters(aws)[2], len(aws.events.entries)) == (1, "1", 1)
    assert decode_report(aws.s3.objects[f"runs/{RUN}/report.json"]).release == 1


def test_a_run_takes_over_from_a_rival_that_was_stopped() -> None:
    aws = decided((RUN, "second"))
    start_promotion(aws.platform(), RUN)
    aws.bedrock.settle_deployment(LIVE)
    stopped(aws, RUN)
    promote(aws, "second")
    assert (current(aws).release, serves(aws)) == (2, model("second"))


def test_an_update_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = decided()
    start_promotion(aws.platform(), RUN)
    monkeypatch.setattr("rft_runtime.releases.promotion._PATIENCE", timedelta(seconds=-1))
    with pytest.raises(RunFailed, match="did not take the model within two hours"):
        poll_promotion(aws.platform(), RUN, 30)
    change = current(aws).change
    assert change is None or change.kind is ChangeKind.RESTORE


@pytest.mark.parametrize(("wanted", "promoted"), [(True, True), (False, False)])
def test_only_a_recipe_that_says_so_is_promoted(wanted: bool, promoted: bool) -> None:
    aws = evaluated(promote=wanted)
    decision = decide_run(aws.platform(), RUN)
    record = aws.platform().runs.load(RUN)
    assert is_to_be_promoted(record, decision) is promoted
    assert not is_to_be_promoted(record, msgspec.structs.replace(decision, outcome=Outcome.REJECTED))


def test_the_models_of_the_last_releases_are_kept() -> None:
    aws = decided()
    promote(aws, RUN)
    for run_id in ("second", "third", "fourth"):
        again(aws, run_id)
        promote(aws, run_id)
    again(aws, "fifth")
    start_promotion(aws.platform(), "fifth")
    store = release_store(aws.platform())
    assert [kept.number for kept in store.releases_kept(LINE, 2)] == [3, 4, 5]
    assert [kept.number for kept in store.releases_kept(LINE, 0)] == [4, 5]
    assert store.releases_kept(LINE, 1)[0].model_arn == model("fourth") == current(aws).model_arn
    assert list(store.lines()) == [LINE]
    assert store.releases_kept("unknown", 3) == ()


def test_writers_that_never_get_their_turn_say_so() -> None:
    aws = FakeAws()
    store = ReleaseStore(replace(aws.platform().bucket, sleep=lambda seconds: None), "dev")
    number = iter(range(100))

    def racing(found: Current) -> Current:
        aws.s3.put(
            f"releases/{LINE}/current.json", msgspec.json.encode(msgspec.structs.replace(found, newest=next(number)))
        )
        return msgspec.structs.replace(found, change=CHANGE)

    with pytest.raises(Transient, match="changed 10 times"):
        store.update(LINE, racing)


CHANGE = Change(kind=ChangeKind.ROLLBACK, id="token", since=datetime.now(UTC), release=1, model_arn=model("x"))
