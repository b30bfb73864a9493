"""The ledger counts every run once, also when two runs write at once."""

import json
from dataclasses import replace

import pytest

from rft_contract.outcomes import Transient
from rft_runtime.held_out_ledger import HeldOutLedger
from tests.unit.fakes.aws import FakeAws

KEY = "datasets/abc/uses.json"


def test_runs_are_counted_in_order_and_once() -> None:
    ledger = HeldOutLedger(FakeAws().platform().bucket, "abc")
    assert [ledger.note(run) for run in ("a", "b", "a", "c", "b")] == [0, 1, 0, 2, 1]


def test_a_run_that_comes_between_is_kept() -> None:
    aws = FakeAws()
    ledger = HeldOutLedger(aws.platform().bucket, "abc")
    raced = False

    def race(key: str) -> None:
        nonlocal raced
        if not raced:
            raced = True
            ledger.note("other")

    aws.s3.on_put = race
    assert ledger.note("mine") == 1
    assert json.loads(aws.s3.objects[KEY]) == {"runs": ["other", "mine"]}


def test_endless_races_end_as_transient() -> None:
    aws = FakeAws()
    waits: list[float] = []
    ledger = HeldOutLedger(replace(aws.platform().bucket, sleep=waits.append), "abc")
    ledger.note("a")

    def bump(key: str) -> None:
        aws.s3.versions[key] += 1

    aws.s3.on_put = bump
    with pytest.raises(Transient, match="changed 10 times"):
        ledger.note("b")
    assert len(waits) == 10
    assert all(0 <= wait <= 1 for wait in waits)
