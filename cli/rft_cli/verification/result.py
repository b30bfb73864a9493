"""What a trial found, as a file that can be shown to others."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.verification.observation import Observation
from rft_contract.version import VERSION

_DIGITS = 8
"""Of the account's digest: enough to see that two files are of one account, too few to find out which it is."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One observation with its day.

    Args:
        date: ISO date, UTC.
        observation: What was seen.
    """

    date: str
    observation: Observation


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one account and Region.

    Args:
        schema: 1.
        embedded: Whether it was the embedded AWS.
        region: The Region.
        account: First digits of a digest of the account's id.
        base_model: What was trained.
        version: The platform's.
        observations: Assumption -> what was last seen of it.
        left: What the last trial could not remove, and why.
    """

    schema: int
    embedded: bool
    region: str
    account: str
    base_model: str
    version: str
    observations: dict[str, Observed]
    left: tuple[str, ...] = ()


def verification_of(
    environment: Environment, base_model: str, observations: Sequence[Observation], left: Sequence[str]
) -> Verification:
    """Return what a trial found; account ids are left out of the evidence.

    Args:
        environment: Where.
        base_model: What was trained.
        observations: What was seen.
        left: What could not be removed.
    """
    _, _, _, region, account, *_ = environment.outputs.state_machine_arn.split(":")
    today = datetime.now(UTC).date().isoformat()
    clean = [
        msgspec.structs.replace(one, evidence=one.evidence.replace(account, "ACCOUNT").replace("|", "/"))
        for one in observations
    ]
    return Verification(
        schema=1,
        embedded=environment.is_local,
        region=region,
        account=hashlib.sha256(account.encode()).hexdigest()[:_DIGITS],
        base_model=base_model,
        version=VERSION,
        observations={one.assumption: Observed(date=today, observation=one) for one in clean},
        left=tuple(left),
    )


def read_verification(path: Path) -> Verification | None:
    """Return what was written; None: nothing yet.

    Raises:
        CliError: When the file is of another form.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Verification)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise CliError(f"{path}: {error}") from None


def save(path: Path, found: Verification) -> Verification:
    """Write what a trial found; what an earlier one saw in the same place, and this one did not look at, stays.

    Returns:
        What was written.
    """
    before = read_verification(path)
    if before is not None and (before.account, before.region) == (found.account, found.region):
        found = msgspec.structs.replace(found, observations={**before.observations, **found.observations})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    return found
