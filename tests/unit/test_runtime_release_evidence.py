"""No model serves without evidence: a promotion dies at every AWS call, and KMS does not sign."""

from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from rft_contract.outcomes import Outcome, RunFailed
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending
from rft_runtime.releases.envelope import payload_of
from rft_runtime.releases.evidence import find_evidence
from rft_runtime.releases.promotion import poll_promotion, start_promotion
from rft_runtime.releases.release_change import settle
from rft_runtime.releases.statement import decode_statement
from rft_runtime.statistics import Interval
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.kms import FakeKms
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_promotion import LINE, LIVE, again, current, decided, is_under_way, older, promote, serves
from tests.unit.test_runtime_workflow import RUN


class Died(Exception):
    """What a function that dies leaves behind."""


class Mortal:
    """A client whose calls are counted with those of the others, and one of which kills the caller."""

    def __init__(self, client: Any, clock: "Clock") -> None:
        self._client, self._clock = client, clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._clock.counted(name, found) if callable(found) else found


class Clock:
    """Counts AWS calls.

    Args:
        dies_at: The call that kills, from 1; None: none does.
        before: Whether it kills before the call did anything.
    """

    def __init__(self, dies_at: int | None = None, *, before: bool = False) -> None:
        self.dies_at, self.before = dies_at, before
        self.calls: list[str] = []

    def counted(self, name: str, call: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls.append(name)
            dies = len(self.calls) == self.dies_at
            if dies and self.before:
                raise Died
            try:
                return call(*arguments, **options)
            finally:
                if dies:
                    raise Died

        return counted


def watched(aws: FakeAws, clock: Clock) -> FakeAws:
    """Return the same AWS with counted calls."""
    found = FakeAws()
    for name in ("s3", "bedrock", "kms", "ssm", "cloudwatch", "events"):
        setattr(found, name, Mortal(getattr(aws, name), clock))
    return found


@cache
def begun() -> FakeAws:
    """Return a line with a release and a run that passed, made once."""
    aws = decided()
    promote(aws, RUN)
    again(aws, "second")
    return aws


@pytest.fixture(scope="module", autouse=True)
def quick_report() -> Any:
    """What the reports say does not matter here, and their bootstrap is most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rft_runtime.measures.bootstrap_interval", lambda values: Interval(0.0, 1.0))
        yield


def signed_models(aws: FakeAws) -> set[str]:
    """Return the models that a signed statement of the line names: a published one, or the claim's."""
    found = current(aws)
    envelopes = [
        evidence.envelope
        for number in range(1, found.newest + 1)
        if (evidence := find_evidence(aws.platform().bucket, LINE, number)) is not None
    ]
    if found.change is not None and found.change.envelope is not None:
        envelopes.append(found.change.envelope)
    return {decode_statement(payload_of(envelope)).model_arn for envelope in envelopes}


def check(aws: FakeAws) -> None:
    """What holds whenever a function dies."""
    found, deployment = current(aws), aws.bedrock.deployments[LIVE]
    assert {deployment["modelArn"], deployment.get("updateDetails", deployment)["modelArn"]} <= signed_models(aws)
    assert found.release is not None
    assert find_evidence(aws.platform().bucket, LINE, found.release) is not None
    record = aws.platform().runs.load("second")
    if record.release is not None:  # committed, so it will be live: what proves it must not depend on KMS any more
        assert record.model_arn in signed_models(aws)


def step(aws: FakeAws, clock: Clock, *, started: bool) -> None:
    if started:
        poll_promotion(watched(aws, clock).platform(), "second", 30)
    else:
        start_promotion(watched(aws, clock).platform(), "second")


def calls(looks: int) -> list[str]:
    """Return the AWS calls of a promotion's first or second step."""
    aws, clock = deepcopy(begun()), Clock()
    for look in range(looks + 1):
        clock = Clock()
        step(aws, clock, started=look > 0)
        if is_under_way(aws):
            aws.bedrock.settle_deployment(LIVE)
    return clock.calls


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("looks", [0, 1], ids=["start", "poll"])
def test_a_function_that_dies_at_any_call_leaves_no_model_without_evidence(looks: int, before: bool) -> None:
    count = len(calls(looks))
    assert count > 10
    for number in range(1, count + 1):
        aws = deepcopy(begun())
        if looks:
            step(aws, Clock(), started=False)
            aws.bedrock.settle_deployment(LIVE)
        with pytest.raises(Died):
            step(aws, Clock(number, before=before), started=bool(looks))
        check(aws)
        promote(aws, "second")
        check(aws)
        assert (current(aws).release, current(aws).change, serves(aws)) == (2, None, current(aws).model_arn)


def test_kms_is_asked_before_bedrock_and_once() -> None:
    first, second = calls(0), calls(1)
    assert first.index("sign") < first.index("update_custom_model_deployment")
    assert "sign" not in second


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_what_cannot_be_signed_never_serves(code: str) -> None:
    aws = deepcopy(begun())
    before = deepcopy(aws.bedrock.deployments)
    aws.kms = FakeKms(error=aws_error(code, "Sign"))
    with pytest.raises(
        RunFailed, match=rf"the evidence of release 2 could not be signed: Sign: {code}.*; release 1 stays"
    ):
        start_promotion(aws.platform(), "second")
    assert aws.bedrock.deployments == before
    assert (current(aws).release, current(aws).change) == (1, None)


def test_a_first_release_that_cannot_be_signed_makes_no_deployment() -> None:
    aws = decided()
    aws.kms = FakeKms(error=aws_error("AccessDeniedException", "Sign"))
    with pytest.raises(RunFailed, match="nothing is live"):
        start_promotion(aws.platform(), RUN)
    assert LIVE not in aws.bedrock.deployments
    assert current(aws).change is None


def test_a_throttled_signature_is_tried_again() -> None:
    from botocore.exceptions import ClientError

    aws = deepcopy(begun())
    aws.kms = FakeKms(error=aws_error("ThrottlingException", "Sign"))
    with pytest.raises(ClientError):
        start_promotion(aws.platform(), "second")
    assert current(aws).change is not None
    assert serves(aws) != aws.platform().runs.load("second").model_arn
    aws.kms.error = None
    promote(aws, "second")
    check(aws)


def test_the_signature_of_a_run_that_is_stopped_is_dropped_with_its_claim() -> None:
    aws = deepcopy(begun())
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    close_run(aws.platform(), "second", Ending(Outcome.STOPPED, "by hand"))
    older(aws, "second")
    settle(aws.platform(), LINE)
    aws.bedrock.settle_deployment(LIVE)
    assert settle(aws.platform(), LINE)
    assert find_evidence(aws.platform().bucket, LINE, 2) is None
    assert (current(aws).release, current(aws).change) == (1, None)


def test_a_committed_release_is_published_without_kms() -> None:
    aws = deepcopy(begun())
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    aws.kms = FakeKms(error=aws_error("AccessDeniedException", "Sign"))
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "DONE"
    check(aws)


def test_evidence_that_newer_code_would_write_otherwise_is_kept_as_it_was_published() -> None:
    aws = deepcopy(begun())
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    aws.s3.on_put = lambda key: dies() if key.endswith("/2.json") else None  # evidence is there, its manifest is not
    with pytest.raises(Died):
        poll_promotion(aws.platform(), "second", 30)
    aws.s3.on_put = lambda key: None
    published = aws.s3.objects[f"releases/{LINE}/2/evidence.json"]
    changed = aws.s3.objects["runs/second/decision.json"].replace(b'"lower_bound":', b'"lower_bound":0.0625,"was":')
    aws.s3.put("runs/second/decision.json", changed)
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "DONE"
    assert aws.s3.objects[f"releases/{LINE}/2/evidence.json"] == published
    check(aws)


def dies() -> None:
    raise Died


def test_a_manifest_that_a_version_without_signatures_left_is_signed_as_it_is() -> None:
    aws = deepcopy(begun())
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    aws.s3.on_put = lambda key: dies() if key.endswith("current.json") else None
    with pytest.raises(Died):
        poll_promotion(aws.platform(), "second", 30)
    aws.s3.on_put = lambda key: None
    del aws.s3.objects[f"releases/{LINE}/2/evidence.json"]
    manifest = aws.s3.objects[f"releases/{LINE}/2.json"].replace(b'"reason":"', b'"reason":"then: ', 1)
    aws.s3.put(f"releases/{LINE}/2.json", manifest)
    assert poll_promotion(aws.platform(), "second", 30)["progress"] == "DONE"
    evidence = find_evidence(aws.platform().bucket, LINE, 2)
    assert evidence is not None
    assert evidence.manifest.encode() == manifest


@pytest.mark.parametrize("key", ["{}/evidence.json", "{}.json"])
def test_a_number_that_is_another_runs_is_not_signed_again(key: str) -> None:
    aws = deepcopy(begun())
    aws.s3.put(f"releases/{LINE}/{key.format(2)}", aws.s3.objects[f"releases/{LINE}/{key.format(1)}"])
    signed = len(aws.kms.signed)
    with pytest.raises(
        RunFailed, match=f"release 2 is one of run {RUN}; evidence is written once; release 1 stays live"
    ):
        start_promotion(aws.platform(), "second")
    assert len(aws.kms.signed) == signed


def test_what_changed_after_it_was_signed_is_signed_again() -> None:
    aws = deepcopy(begun())
    start_promotion(aws.platform(), "second")
    aws.bedrock.settle_deployment(LIVE)
    (key, *_) = [key for key in aws.s3.objects if key.startswith("certificates/")]
    aws.s3.put(key, aws.s3.objects[key] + b"\n")  # certified anew meanwhile
    poll_promotion(aws.platform(), "second", 30)
    assert len(aws.kms.signed) == 3
    evidence = find_evidence(aws.platform().bucket, LINE, 2)
    assert evidence is not None
    assert any(text.endswith("\n") for text in evidence.certificates.values())


def test_a_certificate_that_is_gone_ends_the_promotion_before_anything_serves() -> None:
    aws = deepcopy(begun())
    for key in [key for key in aws.s3.objects if key.startswith("certificates/")]:
        del aws.s3.objects[key]
    with pytest.raises(
        RunFailed, match=r"its certificate is gone: s3://dev-data/certificates/.*; release 1 stays live"
    ):
        start_promotion(aws.platform(), "second")
    assert current(aws).change is None
