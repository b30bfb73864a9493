"""What the workflow chains."""

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import aws_stepfunctions as sfn


class Step(Protocol):
    """A part of the workflow: something that others follow and whose errors go to Close."""

    @property
    def start_state(self) -> sfn.State:
        """The first state."""

    @property
    def end_states(self) -> list[sfn.INextable]:
        """Where the next step follows."""

    def add_catch(self, handler: sfn.IChainable, *, errors: Sequence[str], result_path: str) -> object:
        """Go to a state when the step fails."""
