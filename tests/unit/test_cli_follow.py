"""What a person sees while a run goes on."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from rft_cli import follow
from rft_cli.follow import clock, picture, sentence, sparkline
from rft_cli.pace import Pace
from rft_cli.snapshot import Snapshot, look
from rft_contract.layout import RunKeys
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Datasets
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import JudgeWork, Usage, Work
from rft_runtime.run_record import RunRecord, RunStore
from rft_runtime.training_output import Step
from tests.unit.cli_fakes import Bench, bench

__all__ = ["bench"]

NOW = datetime(2026, 11, 22, 10, 1, 2, tzinfo=UTC)


def snapshot(stage: str = "Train", done: int = 0, **changes: Any) -> Snapshot:
    steps = tuple(Step(step=number, reward=number / 10) for number in range(1, done + 1))
    values: dict[str, Any] = {
        "run_id": "first",
        "stage": stage,
        "stages": {"Plan": NOW - timedelta(seconds=62), stage: NOW - timedelta(seconds=30)},
        "started": NOW - timedelta(seconds=62),
        "running": True,
        "steps": steps,
        "done": done,
        "expected_steps": 10,
    }
    return Snapshot(**{**values, **changes})


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (snapshot("Plan"), "Plan"),
        (snapshot(done=0), "Train"),
        (snapshot(done=3), "Train · step 3 of 10 · reward 0.30"),
        (snapshot(done=3, estimated=True, expected_steps=None), "Train · about step 3 · reward 0.30"),
        (
            snapshot(done=3, used=(("tokens", "2,000 to 9,000", "5,000"),)),
            "Train · step 3 of 10 · reward 0.30 · tokens 2,000 to 9,000 of 5,000",
        ),
        (snapshot("Deploy", used=(("tokens", "2,000 to 9,000", "5,000"),)), "Deploy"),
        (
            snapshot(done=1, steps=(Step(step=1, reward=0.5, validation_reward=0.25),)),
            "Train · step 1 of 10 · reward 0.50 · validation reward 0.25",
        ),
        (snapshot("Probe", graded_shards=2, shards=5), "Probe · shard 2 of 5"),
        (snapshot("Evaluate", graded_shards=3, shards=12), "Evaluate · shard 3 of 12"),
        (snapshot(running=False, outcome="PASSED", reason="enough"), "ended PASSED: enough"),
        (snapshot(running=False), "ended without an outcome"),
    ],
)
def test_a_sentence_says_where_a_run_stands(seen: Snapshot, words: str) -> None:
    assert sentence(seen, Pace(), NOW) == words


def test_the_pace_leaves_the_first_step_out() -> None:
    pace = Pace()
    for done, at in ((0, 0), (1, 60), (1, 62), (2, 64), (3, 68)):
        pace = pace.noting(snapshot(done=done), NOW + timedelta(seconds=at))
    assert pace.left(snapshot(done=3), NOW + timedelta(seconds=68)) == timedelta(seconds=28)
    assert pace.left(snapshot(done=3), NOW + timedelta(seconds=70)) == timedelta(seconds=26)
    assert pace.left(snapshot(done=3), NOW + timedelta(seconds=500)) == timedelta(seconds=24)
    assert "about 0:28 of training left" in sentence(snapshot(done=3), pace, NOW + timedelta(seconds=68))


def test_nothing_is_predicted_from_one_step() -> None:
    assert Pace().noting(snapshot(done=1), NOW).left(snapshot(done=1), NOW) is None


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61.9, "1:01"), (3600, "1:00:00"), (90061, "25:01:01")])
def test_a_clock_shows_minutes_and_hours(seconds: float, shown: str) -> None:
    assert clock(timedelta(seconds=seconds)) == shown


@settings(derandomize=True, max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6), max_size=200), st.integers(1, 40))
def test_a_sparkline_is_never_wider_than_asked(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= set("▁▂▃▄▅▆▇█")


def test_a_sparkline_rises_with_its_values() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def shown(seen: Snapshot) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115  # recorded instead
    console.print(picture(seen, Pace(), NOW))
    return console.export_text()


def test_the_picture_marks_done_current_and_coming_stages() -> None:
    text = shown(snapshot(done=4))
    assert "✓ Plan" in text
    assert "● Train" in text
    assert "○ Decide" in text
    assert "step 4 of 10" in text


def test_a_stage_of_a_newer_platform_finds_its_place() -> None:
    stages = {"Plan": NOW - timedelta(seconds=9), "Rehearse": NOW - timedelta(seconds=5), "Train": NOW}
    text = shown(snapshot(stages=stages))
    assert text.index("Plan") < text.index("Rehearse") < text.index("Validate")


def test_plain_output_tells_every_stage_and_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    seen = [
        snapshot("Plan"),
        snapshot("Plan"),
        snapshot("Train", done=1),
        snapshot("Train", done=2),
        snapshot("Close", running=False, outcome="REJECTED"),
    ]
    last = follow.follow(lambda: seen.pop(0), interval=1)
    assert last.outcome == "REJECTED"
    lines = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["Plan", "Train · step 1 of 10 · reward 0.10", "ended REJECTED"]


RECIPE = Recipe(
    line="routing", reward="routing", base_model="m", datasets=Datasets(train="s3://b/t", held_out="s3://b/h")
).to_json()


def record(**changes: Any) -> RunRecord:
    hours = Quantity(0, 1)
    estimate = Usage(
        steps=Quantity(3, 4),
        parts={},
        judge=JudgeWork(),
        grader_gb_seconds=None,
        training_hours=hours,
        deployment_hours=hours,
    )
    values: dict[str, Any] = {"environment": "local", "started": NOW, "recipe": RECIPE, "estimate": estimate}
    return RunRecord(run_id="first", **{**values, **changes})


def test_a_run_without_a_record_is_in_plan(bench: Bench) -> None:
    bench.states.inputs["first"] = {}
    seen = look(bench.environment(), "first")
    assert (seen.stage, seen.running) == ("Plan", True)


def test_what_was_used_is_shown_against_each_limit_that_is_set(bench: Bench) -> None:
    nothing = Quantity(0, 0)
    work = Work(rollouts=Quantity(40, 44), tokens_in=nothing, tokens_out=nothing)
    used = Usage(
        steps=nothing,
        parts={"training": work},
        judge=JudgeWork(),
        grader_gb_seconds=None,
        training_hours=Quantity(1, 1),
        deployment_hours=nothing,
    )
    bench.states.inputs["first"] = {}
    RunStore(bench.environment().bucket).create(record(used=used, recipe={**RECIPE, "limits": {"rollouts": 50}}))
    assert look(bench.environment(), "first").used == (
        ("hours of training", "1", "24"),
        ("rollouts of training", "40 to 44", "50"),
    )


def test_steps_come_from_the_job(bench: Bench) -> None:
    environment = bench.environment()
    arn = "arn:aws:bedrock:us-east-1:1:model-customization-job/amazon.nova:1/abcdefghijkl"
    RunStore(environment.bucket).create(record(stage="Train", job_arn=arn))
    folder = "runs/first/job/model-customization-job-abcdefghijkl/training_artifacts"
    bench.s3.put(f"{folder}/step_wise_training_metrics.csv", b"step_number,reward\n0,0.25\n1,0.5\n")
    bench.states.inputs["first"] = {}
    seen = look(environment, "first")
    assert (seen.done, seen.estimated, seen.steps[-1].reward) == (2, False, 0.5)
    assert seen.expected_steps == 4


def test_steps_are_estimated_where_the_job_tells_none(bench: Bench) -> None:
    class CloudWatch:
        def get_metric_data(self, *, MetricDataQueries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
            dimensions = [query["MetricStat"]["Metric"]["Dimensions"] for query in MetricDataQueries]
            assert dimensions == [[{"Name": "Run", "Value": "first"}]] * 2
            return {
                "MetricDataResults": [
                    {"Id": "graded", "Timestamps": [NOW, NOW + timedelta(minutes=1)], "Values": [256.0, 300.0]},
                    {"Id": "reward", "Timestamps": [NOW + timedelta(minutes=1)], "Values": [0.4]},
                ]
            }

    bench.cloudwatch = CloudWatch()
    environment = bench.environment()
    RunStore(environment.bucket).create(record(stage="Train", job_arn="arn:x/y", job_started=NOW))
    bench.states.inputs["first"] = {}
    seen = look(environment, "first")
    # batchSize 32 x trainingSamplePerPrompt 8 = 256 rollouts a step
    assert [(step.step, step.reward) for step in seen.steps] == [(1, None), (2, 0.4)]
    assert (seen.done, seen.estimated) == (2, True)


@pytest.mark.parametrize(("stage", "graded", "shards"), [("Probe", 2, 3), ("Evaluate", 1, 4), ("Train", 0, 0)])
def test_shards_are_those_of_the_stage(stage: str, graded: int, shards: int, bench: Bench) -> None:
    environment, keys = bench.environment(), RunKeys("first")
    RunStore(environment.bucket).create(record(stage=stage))
    bench.s3.put(keys.probe_shards, b"{}\n" * 3)
    bench.s3.put(keys.shards, b"{}\n" * 4)
    for data, number in (("probe", 0), ("probe", 1), ("held_out", 0)):
        bench.s3.put(keys.graded(data, "base", "sampled", number), b"")
    bench.states.inputs["first"] = {}
    seen = look(environment, "first")
    assert (seen.graded_shards, seen.shards) == (graded, shards)


@pytest.mark.parametrize(
    ("changes", "running"),
    [
        ({"status": "RUNNING"}, True),
        ({"status": "ENDED", "outcome": "PASSED"}, True),
        ({"status": "ENDED", "outcome": "PASSED", "closed": NOW}, False),
        ({"status": "ENDED", "outcome": "PASSED", "closing_errors": ["delete the alias: no"]}, False),
    ],
)
def test_a_run_goes_on_until_it_is_closed(changes: dict[str, Any], running: bool, bench: Bench) -> None:
    environment = bench.environment()
    RunStore(environment.bucket).create(record(**changes))
    bench.states.inputs["first"] = {}
    assert look(environment, "first").running is running


def test_a_stopped_execution_is_not_waited_for_forever(bench: Bench) -> None:
    environment = bench.environment()
    RunStore(environment.bucket).create(record())
    bench.states.inputs["first"] = {}
    bench.states.stopped["first"] = "long ago"
    assert look(environment, "first").running is False
