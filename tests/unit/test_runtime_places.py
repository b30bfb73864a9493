"""The places of an environment: no more runs at once than it has, whoever comes first, and none is lost."""

import json
from dataclasses import replace

import pytest

from rft_contract.layout import PLACES, RunKeys
from rft_contract.outcomes import Outcome, RunFailed, Transient
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending
from rft_runtime.places import PlaceStore
from tests.unit.fakes.account import BUCKET, EXECUTION, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import upload
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_workflow import certified, planned

STOPPED = Ending(Outcome.STOPPED, "by the test")


def holders(aws: FakeAws) -> list[str]:
    found: list[str] = json.loads(aws.s3.objects[PLACES])["runs"]
    return found


def two_runs() -> FakeAws:
    aws = FakeAws()
    upload(aws)
    planned(aws, "first")
    planned(aws, "second")
    return aws


def test_one_run_too_many_is_refused_with_the_names_of_those_that_go_on() -> None:
    aws = two_runs()
    with pytest.raises(RunFailed, match=r"2 of 2 places .* held by first \(Plan, since .* UTC\), second \(Plan, since"):
        planned(aws, "third")
    assert holders(aws) == ["first", "second"]
    assert "run-third" not in {name for _, name in aws.functions.aliases}


def test_a_closed_run_gives_its_place_back() -> None:
    aws = two_runs()
    close_run(aws.platform(), "first", STOPPED, EXECUTION + "first")
    assert holders(aws) == ["second"]
    planned(aws, "third")
    assert holders(aws) == ["second", "third"]


def test_a_run_that_was_refused_holds_none() -> None:
    aws = two_runs()
    with pytest.raises(RunFailed):
        planned(aws, "third")
    close_run(aws.platform(), "third", STOPPED, EXECUTION + "third")
    assert holders(aws) == ["first", "second"]


def test_the_place_of_a_run_that_was_closed_but_came_late_is_free() -> None:
    aws = two_runs()
    close_run(aws.platform(), "first", STOPPED, EXECUTION + "first")
    aws.platform().places.take("first", 9)
    planned(aws, "third")
    assert holders(aws) == ["second", "third"]


def test_a_place_is_taken_once_however_often_plan_is_retried() -> None:
    aws = two_runs()
    planned(aws, "second")
    assert holders(aws) == ["first", "second"]
    aws.platform().places.take("first", 1)  # there are fewer places by now, and it has its own
    assert holders(aws) == ["first", "second"]


def test_while_a_closing_is_not_finished_the_place_is_held() -> None:
    aws = certified()
    aws.functions.delete_alias = lambda **_: (_ for _ in ()).throw(aws_error("AccessDeniedException"))  # type: ignore[method-assign]  # a Lambda that refuses
    with pytest.raises(RunFailed, match="delete the alias"):
        close_run(aws.platform(), "tickets-1", STOPPED, EXECUTION + "tickets-1")
    assert holders(aws) == ["tickets-1"]
    planned(aws, "second")
    with pytest.raises(RunFailed, match=r"held by tickets-1 \(STOPPED, since"):
        planned(aws, "third")


def test_of_two_runs_that_want_the_last_place_one_gets_it() -> None:
    aws = FakeAws()
    upload(aws)
    planned(aws, "first")
    platform = aws.platform()
    aws.s3.put(RunKeys("faster").record, aws.s3.objects[RunKeys("first").record])

    def overtake(key: str) -> None:
        if key == PLACES:
            aws.s3.on_put = lambda key: None
            PlaceStore(platform.bucket, platform.runs).take("faster", 2)

    aws.s3.on_put = overtake
    with pytest.raises(RunFailed, match="2 of 2 places"):
        planned(aws, "slower")
    assert holders(aws) == ["first", "faster"]


def test_an_object_that_never_stops_changing_is_a_matter_of_trying_again() -> None:
    aws = two_runs()
    waits: list[float] = []
    store = PlaceStore(replace(aws.platform().bucket, sleep=waits.append), aws.platform().runs)

    def touch(key: str) -> None:
        aws.s3.versions[key] += 1

    aws.s3.on_put = touch
    with pytest.raises(Transient, match=f"{BUCKET}/{PLACES} changed 10 times"):
        store.give_back("first")
    assert len(waits) == 10


@pytest.mark.parametrize("places", [0, 101])
def test_an_environment_has_1_to_100_places(places: int) -> None:
    with pytest.raises(ValueError, match=f"max_parallel_runs: got {places}, wanted 1 to 100"):
        replace(SETTINGS, max_parallel_runs=places)
