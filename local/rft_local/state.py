"""The running embedded AWS, as `.rft/local/state.json` remembers it."""

from pathlib import Path

import msgspec

from rft_local.local_error import LocalError
from rft_local.process import Process

_SCHEMA = 1


class LocalState(msgspec.Struct, frozen=True, kw_only=True):
    """What later commands need to know.

    Args:
        port: Port of the emulator, the one endpoint of all services.
        bedrock_port: Port of the Bedrock endpoint behind it.
        emulator: Its process.
        bedrock: Its process.
        bootstrapped: Whether `cdk bootstrap` succeeded.
        stacks: Names of the deployed stacks.
        schema: Version of this file.
    """

    port: int
    bedrock_port: int
    emulator: Process
    bedrock: Process
    bootstrapped: bool = False
    stacks: tuple[str, ...] = ()
    schema: int = _SCHEMA

    @property
    def processes(self) -> tuple[Process, Process]:
        """Both daemons."""
        return (self.emulator, self.bedrock)

    def save(self, path: Path) -> None:
        """Write the file in one step, so that a reader never sees half of it."""
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        draft.replace(path)


def load_state(path: Path) -> LocalState | None:
    """Read the file; None when there is none.

    Raises:
        LocalError: When it is not of this form.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=LocalState)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise LocalError(f"{path}: {error}; delete the file when nothing of it runs any more") from None
