"""Waiting for something slow inside a state machine."""

from collections.abc import Sequence

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.handler import Handler
from rft_contract.settings import PlatformSettings
from rft_contract.statuses import Progress

EVENTS_PER_POLL = 9
"""History events of one turn: two each for Wait and Choice, five for the task (Step Functions developer guide)."""

_ATTEMPTS = 40
"""Looks that may fail in a row, about 40 minutes of them: what is waited for may have cost days."""

EVENT_BUDGET = 20_000
"""Events that polling may use of the 25,000 after which Step Functions ends an execution."""


def polling_events(settings: PlatformSettings, hours: float) -> int:
    """Return the most history events that polling for some hours can write.

    Args:
        settings: How the wait grows.
        hours: How long.
    """
    left, wait, polls = hours * 3600, settings.poll_first_seconds, 0
    while wait < settings.poll_max_seconds and left > 0:
        left -= wait
        polls += 1
        wait = min(2 * wait, settings.poll_max_seconds)
    polls += max(0, -(-int(left) // settings.poll_max_seconds))
    return polls * EVENTS_PER_POLL


def check_event_budget(settings: PlatformSettings, hours: float) -> None:
    """Refuse settings with which polling could use up an execution's history.

    Args:
        settings: How the wait grows.
        hours: How long polling may last.

    Raises:
        ValueError: With the shortest `poll_max_seconds` that fits.
    """
    events = polling_events(settings, hours)
    if events > EVENT_BUDGET:
        least = -(-int(hours * 3600) * EVENTS_PER_POLL // (EVENT_BUDGET - 20 * EVENTS_PER_POLL))
        raise ValueError(
            f"polling every {settings.poll_max_seconds} s for {hours:g} h writes {events} history events, the budget "
            f"is {EVENT_BUDGET} of Step Functions' 25000: set poll_max_seconds to at least {least} or shorten the hours"
        )


class Polling(sfn.StateMachineFragment):
    """Start something, then wait and look until it is done.

    ```
    start -> wait -> poll -> done? -- no --> wait
                               `---- yes --> finished
    ```

    Input: `{"run_id"}`. Output: `{"run_id"}` and the texts that `result` names. The start handler returns
    `{"run_id", "wait_seconds"}`, the poll handler takes that and returns
    `{"run_id", "progress": "WAITING" | "DONE", "wait_seconds"}`; how the wait grows is up to it. Errors are those of
    the two handlers, see `add_catch`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        start: Handler,
        poll: Handler,
        start_state: str,
        wait_state: str,
        poll_state: str,
        choice_state: str,
        end_state: str,
        result: Sequence[str] = (),
    ) -> None:
        """Define the states.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            start: Handler that starts it.
            poll: Handler that looks.
            start_state: Name of the state that starts it.
            wait_state: Name of the state that waits.
            poll_state: Name of the state that looks.
            choice_state: Name of the state that asks whether it is done.
            end_state: Name of the last state.
            result: Texts of the poll handler's last answer that belong to the output. Default: - none.
        """
        super().__init__(scope, construct_id)
        run_id = sfn.JsonPath.string_at("$.run_id")
        self._start = start.task(self, start_state, payload={"run_id": run_id})
        self._poll = poll.task(
            self,
            poll_state,
            payload={"run_id": run_id, "wait_seconds": sfn.JsonPath.number_at("$.wait_seconds")},
            attempts=_ATTEMPTS,
            attempts_when_lost=_ATTEMPTS,
        )
        wait = sfn.Wait(self, wait_state, time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        results = {name: sfn.JsonPath.string_at(f"$.{name}") for name in result}
        self._end = sfn.Pass(self, end_state, parameters={"run_id": run_id, **results})
        done = sfn.Condition.string_equals("$.progress", Progress.DONE.value)
        choice = sfn.Choice(self, choice_state).when(done, self._end).otherwise(wait)
        self._start.next(wait).next(self._poll).next(choice)

    @property
    def start_state(self) -> sfn.State:
        """The first state."""
        return self._start

    @property
    def end_states(self) -> list[sfn.INextable]:
        """Where the next state follows."""
        return [self._end]

    def add_catch(self, handler: sfn.IChainable, *, errors: Sequence[str], result_path: str) -> None:
        """Go to a state when one of the handlers fails.

        Args:
            handler: That state.
            errors: Names of errors.
            result_path: Where `{Error, Cause}` goes.
        """
        for task in (self._start, self._poll):
            task.add_catch(handler, errors=list(errors), result_path=result_path)
