"""Rolling back, against in-memory AWS."""

import json
from typing import Any

import pytest

from rft_contract.outcomes import RunFailed, Stale
from rft_runtime.releases.promotion import start_promotion
from rft_runtime.releases.release_change import advance, settle
from rft_runtime.releases.rollback import roll_back
from tests.unit.fakes.aws import FakeAws
from tests.unit.test_runtime_promotion import (
    LINE,
    LIVE,
    again,
    current,
    decided,
    is_under_way,
    model,
    parameters,
    promote,
)
from tests.unit.test_runtime_workflow import RUN


def released(*run_ids: str) -> FakeAws:
    """Return a line with a release of each run, after the first one's."""
    aws = decided()
    promote(aws, RUN)
    for run_id in run_ids:
        again(aws, run_id)
        promote(aws, run_id)
    return aws


def back(aws: FakeAws, token: str = "token", **options: Any) -> dict[str, Any]:
    """Roll back as the command line does."""
    for _ in range(5):
        answer = roll_back(aws.platform(), line=LINE, token=token, **options)
        if answer["progress"] == "DONE":
            return answer
        if is_under_way(aws):
            aws.bedrock.settle_deployment(LIVE)
    raise AssertionError("not rolled back")


def test_the_release_before_serves_again_through_the_same_deployment() -> None:
    aws = released("second")
    first, arn = aws.platform().runs.load(RUN).model_arn, current(aws).deployment_arn
    assert back(aws, reason="answers are too long") == {"line": LINE, "release": 1, "progress": "DONE"}
    found = current(aws)
    assert (found.release, found.model_arn, found.deployment_arn, found.newest) == (1, first, arn, 2)
    assert parameters(aws) == [first, arn, "1"]
    assert [(turn.release, turn.kind, turn.reason) for turn in found.history][-1] == (
        1,
        "ROLLBACK",
        "answers are too long",
    )
    event = aws.events.entries[-1]
    assert event["DetailType"] == "RFT Model Rolled Back"
    assert {"release": 1, "previous": 2, "run": RUN}.items() <= json.loads(event["Detail"]).items()


def test_rolling_back_twice_goes_back_two_releases_and_the_next_promotion_follows_the_live_one() -> None:
    aws = released("second", "third")
    back(aws, "one")
    assert current(aws).release == 2
    back(aws, "two")
    assert current(aws).release == 1
    again(aws, "fourth")
    promote(aws, "fourth")
    body = json.loads(aws.s3.objects[f"releases/{LINE}/4.json"])
    assert (current(aws).release, body["previous"]["number"]) == (4, 1)


def test_a_rollback_goes_to_any_release_that_was_live_the_live_one_included() -> None:
    aws = released("second", "third")
    back(aws, "one", to=1)
    assert current(aws).release == 1
    back(aws, "two", to=3)
    assert current(aws).model_arn == model("third")
    del aws.bedrock.deployments[LIVE]
    back(aws, "three", to=3)
    assert current(aws).deployment_arn == aws.bedrock.deployments[LIVE]["customModelDeploymentArn"]
    assert parameters(aws)[1] == current(aws).deployment_arn


def test_a_candidate_is_stale_when_its_release_was_replaced_and_put_back_meanwhile() -> None:
    """From 2 to 1 and back to 2: the number says that nothing happened."""
    aws = released("second")
    again(aws, "third")
    back(aws, "one", to=1)
    back(aws, "two", to=2)
    with pytest.raises(Stale, match=r"^stale: release 2 of line ticket-routing was replaced .*, and put back; run"):
        start_promotion(aws.platform(), "third")


def test_a_candidate_is_not_stale_when_its_release_was_only_put_in_place_again() -> None:
    aws = released("second")
    again(aws, "third")
    back(aws, "one", to=2)
    promote(aws, "third")
    assert current(aws).release == 3


def test_a_token_rolls_back_once() -> None:
    aws = released("second", "third")
    back(aws)
    assert back(aws) == {"line": LINE, "release": 2, "progress": "DONE"}
    assert current(aws).release == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "release 1 is its first, there is none before it"),
        ({"to": 7}, "release 7 was never live; those that were: 1"),
    ],
)
def test_what_cannot_be_rolled_back_to_is_refused_in_one_line(options: dict[str, Any], says: str) -> None:
    aws = released()
    with pytest.raises(RunFailed, match=says) as refusal:
        roll_back(aws.platform(), line=LINE, token="token", **options)
    assert "\n" not in str(refusal.value)
    assert current(aws).change is None


def test_a_line_without_a_release_is_refused() -> None:
    with pytest.raises(RunFailed, match="nothing was ever promoted on it in environment dev"):
        roll_back(FakeAws().platform(), line=LINE, token="token")


def test_a_name_that_cannot_be_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="line: got"):
        roll_back(FakeAws().platform(), line="../runs", token="token")


def test_a_line_is_not_rolled_back_while_a_run_is_being_promoted() -> None:
    aws = released("second")
    again(aws, "third")
    start_promotion(aws.platform(), "third")
    with pytest.raises(RunFailed, match="promotion of release 3 by third is under way"):
        roll_back(aws.platform(), line=LINE, token="token")


def test_a_rollback_that_was_finished_by_somebody_else_leaves_the_next_promotion_alone() -> None:
    aws = released("second")
    back(aws, token="mine")
    again(aws, "third")
    start_promotion(aws.platform(), "third")
    before = current(aws)
    assert advance(aws.platform(), LINE, "mine")
    assert current(aws) == before


def test_a_rollback_that_nobody_waits_for_is_finished() -> None:
    aws = released("second")
    roll_back(aws.platform(), line=LINE, token="token")
    aws.bedrock.settle_deployment(LIVE)
    assert settle(aws.platform(), LINE)
    assert (current(aws).release, parameters(aws)[2]) == (1, "1")


def test_a_rollback_that_bedrock_does_not_manage_leaves_the_release_live_and_may_be_tried_again() -> None:
    aws = released("second")
    roll_back(aws.platform(), line=LINE, token="token")
    aws.bedrock.settle_deployment(LIVE, fails=True)
    with pytest.raises(RunFailed, match="failed: no message; release 2 stays live"):
        roll_back(aws.platform(), line=LINE, token="token")
    assert (current(aws).release, current(aws).change, parameters(aws)[2]) == (2, None, "2")
    back(aws, "again")
    assert current(aws).release == 1
