"""What holds after every case, whatever went wrong."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta

from rft_contract.layout import OPEN_RUNS, RunKeys
from rft_runtime.releases.release_store import release_store
from rft_runtime.report import decode_report
from rft_runtime.run_record import ENDED
from tests.faults.account import bedrock_of
from tests.faults.live import LINE, Live, current_of, left_in, live_of
from tests.faults.simulation import Simulation
from tests.unit.fakes.aws import FakeAws

MOST_EVENTS = 25_000
CLOSING = timedelta(hours=2)
"""What closing may take after an execution's end, the sweeper's part included."""

JOB_HOURS = timedelta(hours=24, minutes=50)
"""The recipe's limit, and the looks that may fail in a row."""


def check_ended(simulation: Simulation, outcomes: Sequence[str], reason: str | None) -> None:
    """The outcome has its name, its reason is told, and the report and one message say so.

    A message whose receipt was lost comes again. There is none where Plan never learned the topic, and where the
    closing function died between its claim of the message and the sending.
    """
    aws, keys = simulation.aws, RunKeys(simulation.run_id)
    record = aws.platform().runs.load(simulation.run_id)
    assert record.status == ENDED
    assert record.outcome
    assert record.outcome in outcomes, record.reason
    assert record.reason
    assert reason is None or re.search(reason, record.reason), record.reason
    assert record.closed is not None
    assert record.closing_errors == []
    report = decode_report(aws.s3.objects[keys.report_json])
    assert (report.outcome, report.reason) == (record.outcome, record.reason)
    assert record.outcome in aws.s3.objects[keys.report_markdown].decode()
    told = [found for found in aws.sns.messages if found["MessageAttributes"]["run"]["StringValue"] == record.run_id]
    assert [found["MessageAttributes"]["outcome"]["StringValue"] for found in told] == [record.outcome] * len(told)
    again = bool(told) and simulation.injector.lost == "sns:Publish"
    never = not told and (simulation.injector.killed_in == "close" or not record.resources)
    assert len(told) == 1 or again or never


def check_nothing_is_left(aws: FakeAws) -> None:
    """Nothing bills that no release needs, and nobody has to come back."""
    assert left_in(aws) == []
    assert [key for key in aws.s3.objects if key.startswith(OPEN_RUNS)] == []


def check_in_time(simulation: Simulation) -> None:
    """Neither the execution nor its job nor its closing took longer than they may, and the history has room."""
    record = simulation.aws.platform().runs.load(simulation.run_id)
    assert simulation.execution.events < MOST_EVENTS
    assert record.closed is not None
    _, stopped = simulation.aws.states.executions[simulation.run_id]
    assert stopped is not None
    assert record.closed - stopped <= CLOSING
    longest = timedelta(seconds=simulation.machine.definition["TimeoutSeconds"])
    assert stopped - record.started <= longest + timedelta(minutes=5)
    for job in bedrock_of(simulation.aws).jobs.values():
        if "stopped" in job and "output" in job:  # a stray was never asked for here
            assert job["stopped"] - job["creationTime"] <= JOB_HOURS


def check_next_sweep_is_idle(simulation: Simulation) -> None:
    """Once AWS is well again, a sweep finds nothing to complain of."""
    before = list(simulation.complaints)
    simulation.tick()
    assert simulation.complaints == before


def check_release(aws: FakeAws) -> None:
    """What is live is whole: its manifest is there, its deployment serves its model, SSM says the same."""
    current, live, store = current_of(aws), live_of(aws), release_store(aws.platform())
    assert current.change is None
    if current.release is None:
        assert live == Live(None, None, (None, None, None))
        return
    assert live.serves == current.model_arn
    assert live.parameters == (current.model_arn, current.deployment_arn, str(current.release))
    assert current.manifest_sha256 == store.digest(LINE, current.release)
    for turn in current.history:
        assert store.load(LINE, turn.release).number == turn.release
    told = [json.loads(entry["Detail"]) for entry in aws.events.entries]
    assert {turn.release for turn in current.history} <= {detail["release"] for detail in told}
