"""Records survive other writers."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from rft_contract.outcomes import RunFailed, RunStopped, Transient
from rft_runtime.run_record import ENDED, RunRecord, RunStore
from tests.unit.fakes.aws import FakeAws

RUN = "a-1"


def stored(aws: FakeAws) -> RunStore:
    store = aws.platform().runs
    store.create(RunRecord(run_id=RUN, environment="dev", started=datetime.now(UTC), execution_arn="mine"))
    return store


def test_a_record_reads_back_as_it_was_written() -> None:
    aws = FakeAws()
    store = stored(aws)
    changed = store.set(RUN, job_arn="arn", release=7)
    assert store.load(RUN) == changed
    assert (changed.job_arn, changed.release, changed.schema) == ("arn", 7, 1)


def test_a_write_that_lost_the_race_is_made_again_on_the_newer_record() -> None:
    aws = FakeAws()
    store = stored(aws)
    raced = False

    def race(key: str) -> None:
        nonlocal raced
        if not raced:
            raced = True
            store.set(RUN, model_arn="theirs")

    aws.s3.on_put = race
    record = store.set(RUN, job_arn="ours")
    assert (record.job_arn, record.model_arn) == ("ours", "theirs")


def test_endless_races_end_as_transient() -> None:
    aws, waits = FakeAws(), list[float]()
    store = RunStore(replace(stored(aws).bucket, sleep=waits.append))

    def bump(key: str) -> None:
        aws.s3.versions[key] += 1

    aws.s3.on_put = bump
    with pytest.raises(Transient, match="changed 10 times"):
        store.set(RUN, job_arn="ours")
    assert len(waits) == 10
    assert max(waits) <= 1.0


def test_a_closed_run_takes_no_more_facts() -> None:
    aws = FakeAws()
    store = stored(aws)
    store.update(RUN, lambda record: msgspec.structs.replace(record, status=ENDED, outcome="STOPPED", reason="x"))
    with pytest.raises(RunStopped, match="STOPPED, x"):
        store.set(RUN, job_arn="a")
    with pytest.raises(RunStopped, match="STOPPED, x"):
        store.enter(RUN, "Train")


def test_a_stage_keeps_the_time_it_was_entered_first() -> None:
    aws = FakeAws()
    store = stored(aws)
    first = store.enter(RUN, "Train").stages["Train"]
    assert store.enter(RUN, "Train").stages["Train"] == first


def test_a_record_of_another_execution_is_refused_and_ones_own_is_found() -> None:
    aws = FakeAws()
    store = stored(aws)
    again = RunRecord(run_id=RUN, environment="dev", started=datetime.now(UTC), execution_arn="mine")
    assert store.create(again) == store.load(RUN)
    with pytest.raises(RunFailed, match="taken by mine"):
        store.create(msgspec.structs.replace(again, execution_arn="other"))


def test_a_missing_record_says_where_it_should_be() -> None:
    with pytest.raises(RunFailed, match=r"no record at s3://dev-data/runs/b/run\.json"):
        FakeAws().platform().runs.load("b")


def test_a_run_is_marked_as_open_before_it_has_a_record() -> None:
    aws = FakeAws()
    written: list[str] = []
    aws.s3.on_put = written.append
    store = stored(aws)
    assert written[:2] == [f"open-runs/{RUN}", f"runs/{RUN}/run.json"]
    assert [mark.run_id for mark in store.open_runs()] == [RUN]
    store.mark_closed(RUN)
    assert list(store.open_runs()) == []


def test_a_name_that_a_closed_run_had_leaves_no_mark_behind() -> None:
    aws = FakeAws()
    store = stored(aws)
    store.update(RUN, lambda record: msgspec.structs.replace(record, closed=datetime.now(UTC)))
    store.mark_closed(RUN)
    again = RunRecord(run_id=RUN, environment="dev", started=datetime.now(UTC), execution_arn="another")
    with pytest.raises(RunFailed, match="the name is taken"):
        store.create(again)
    assert list(store.open_runs()) == []
