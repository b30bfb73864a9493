"""What has to be removed when a trial ends."""

from collections.abc import Callable
from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from rft_cli.cli_error import CliError
from rft_runtime.failures import error_code, explain

_GONE = frozenset({"NoSuchEntity", "ResourceNotFoundException", "StateMachineDoesNotExist"})


class Removals:
    """What has to be removed when a trial ends, however it ends; the last one made goes first.

    Args:
        stack: Calls them.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.left: list[str] = []
        """What could not be removed, and why."""

    def add(self, what: str, remove: Callable[[], object]) -> None:
        """Remember how something is removed; what is gone already is none."""

        def removed() -> None:
            try:
                remove()
            except ClientError as error:
                if error_code(error) not in _GONE:
                    self.left.append(f"{what}: {explain(error)}")
            except (BotoCoreError, CliError) as error:
                self.left.append(f"{what}: {error}")

        self._stack.callback(removed)
