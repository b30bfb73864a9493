"""Any order of looks, crashes, stops and failures on one line: applications get what `current.json` says is live."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.layout import release_key
from rft_contract.outcomes import Outcome, RunEnded, RunFailed, Stale, Transient
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending
from rft_runtime.releases.evidence import find_evidence
from rft_runtime.releases.promotion import poll_promotion, start_promotion
from rft_runtime.releases.release_change import settle
from rft_runtime.releases.release_store import release_store
from rft_runtime.releases.rollback import roll_back
from rft_runtime.statistics import Interval
from tests.unit.fakes.aws import FakeAws
from tests.unit.test_runtime_promotion import LINE, LIVE, again, current, decided, is_under_way, promote
from tests.unit.test_runtime_workflow import RUN

RUNS = ("second", "third", "fourth")


class Died(Exception):
    """What a function that dies half way leaves behind."""


class Line:
    """A line with a release, on which several runs, a person and the schedule are at work at once."""

    def __init__(self, start: FakeAws) -> None:
        self.aws = deepcopy(start)
        self.writes = 0
        self.dies_at: int | None = None
        self.ended: dict[str, Ending] = {}
        self.aws.s3.on_put = self._count

    def _count(self, key: str) -> None:
        self.writes += 1
        if self.dies_at is not None and self.writes >= self.dies_at:
            self.dies_at = None
            raise Died

    def work(self, run_id: str, dies_after: int) -> None:
        """Do one step of a run's workflow, or what its Catch does."""
        if run_id in self.ended:
            return
        if self.aws.platform().runs.load(run_id).status != "RUNNING":
            return
        self.dies_at = None if dies_after > 6 else self.writes + dies_after
        started = "Promote" in self.aws.platform().runs.load(run_id).stages
        try:
            if not started:
                start_promotion(self.aws.platform(), run_id)
            elif poll_promotion(self.aws.platform(), run_id, 30)["progress"] == "DONE":
                self._close(run_id, Ending(Outcome.PROMOTED, "live"))
        except (Died, Transient):
            pass  # the workflow tries again
        except Stale as error:
            self._close(run_id, Ending(Outcome.REJECTED, str(error)))
        except RunFailed as error:
            self._close(run_id, Ending(Outcome.FAILED, str(error)))
        finally:
            self.dies_at = None

    def stop(self, run_id: str) -> None:
        """Stop a run, long ago for everybody else."""
        if run_id not in self.ended:
            self._close(run_id, Ending(Outcome.STOPPED, "by hand"))

    def _close(self, run_id: str, ending: Ending) -> None:
        self.dies_at = None
        self.ended[run_id] = close_run(self.aws.platform(), run_id, ending)

        def older(record: Any) -> Any:
            return msgspec.structs.replace(record, ended=datetime.now(UTC) - timedelta(hours=1))

        self.aws.platform().runs.update(run_id, older)

    def bedrock(self, fails: bool) -> None:
        """Let Bedrock end what it is at."""
        if LIVE in self.aws.bedrock.deployments and is_under_way(self.aws):
            self.aws.bedrock.settle_deployment(LIVE, fails=fails)

    def settle(self, dies_after: int) -> None:
        """Do what the schedule does."""
        self.dies_at = None if dies_after > 6 else self.writes + dies_after
        try:
            settle(self.aws.platform(), LINE)
        except (Died, RunFailed, Transient):
            pass
        finally:
            self.dies_at = None

    def roll_back(self, token: str) -> None:
        """Do what the command line does."""
        with suppress(RunEnded):
            roll_back(self.aws.platform(), line=LINE, token=token)

    def check(self) -> None:
        """What holds at any time."""
        found, store = current(self.aws), release_store(self.aws.platform())
        assert found.release is not None
        assert found.release == found.history[-1].release
        assert store.load(LINE, found.release).model_arn == found.model_arn
        for turn in found.history:
            evidence = find_evidence(store.bucket, LINE, turn.release)
            assert evidence is not None
            assert evidence.manifest.encode() == self.aws.s3.objects[release_key(LINE, turn.release)]
        if found.change is None and not is_under_way(self.aws):
            assert self.aws.bedrock.deployments[LIVE]["modelArn"] == found.model_arn
        went_live = {store.load(LINE, turn.release).run_id for turn in found.history}
        for run_id, ending in self.ended.items():
            if ending.outcome is not Outcome.PROMOTED:
                assert run_id not in went_live
        assert len({turn.id for turn in found.history}) == len(found.history)

    def finish(self) -> None:
        """Let everything come to its end."""
        for _ in range(40):
            if current(self.aws).change is None and set(self.ended) == set(RUNS):
                break
            for run_id in RUNS:
                self.work(run_id, 99)
            self.bedrock(fails=False)
            self.settle(99)
        found = current(self.aws)
        assert found.change is None
        assert set(self.ended) == set(RUNS)
        assert self.aws.bedrock.deployments[LIVE]["modelArn"] == found.model_arn
        parameters = self.aws.ssm.parameters
        assert parameters[f"/dev-Rft/{LINE}/model"] == found.model_arn
        assert parameters[f"/dev-Rft/{LINE}/release"] == str(found.release)
        history = [release_store(self.aws.platform()).load(LINE, turn.release).run_id for turn in found.history]
        for run_id, ending in self.ended.items():
            assert (ending.outcome is Outcome.PROMOTED) == (run_id in history)


@pytest.fixture(scope="module", autouse=True)
def quick_report() -> Iterator[None]:
    """What the reports say does not matter here, and their bootstrap is most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rft_runtime.measures.bootstrap_interval", lambda values: Interval(0.0, 1.0))
        yield


@cache
def begun() -> FakeAws:
    """Return a line with a release and runs that were compared with it, made once."""
    aws = decided()
    promote(aws, RUN)
    again(aws, *RUNS)
    return aws


STEPS = st.one_of(
    st.tuples(st.just("work"), st.sampled_from(RUNS), st.integers(1, 12)),
    st.tuples(st.just("stop"), st.sampled_from(RUNS)),
    st.tuples(st.just("bedrock"), st.sampled_from([False, False, False, True])),
    st.tuples(st.just("settle"), st.integers(1, 12)),
    st.tuples(st.just("roll_back"), st.sampled_from(["one", "two"])),
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(steps=st.lists(STEPS, max_size=25))
def test_in_any_order_applications_get_what_is_said_to_be_live(steps: list[tuple[Any, ...]]) -> None:
    line = Line(begun())
    for name, *arguments in steps:
        action: Callable[..., None] = getattr(line, name)
        action(*arguments)
        line.check()
    line.finish()
    line.check()
