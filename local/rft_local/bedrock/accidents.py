"""Accidents that somebody ordered: jobs, deployments and updates that do not end well."""

import threading
from typing import Literal

import msgspec

from rft_contract.json_value import JsonObject
from rft_local.bedrock.service_error import invalid

ACCIDENTS = "/accidents"

_ENDS = {
    "job": ("Failed", "Stopped", "InProgress", "Completed"),
    "deployment": ("Failed", "Creating"),
    "update": ("UpdateFailed", "Updating"),
}


class Accident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to the next job, deployment or update of a name.

    Args:
        resource: `job`, `deployment`, or `update` of a deployment.
        name: Name of the job or deployment.
        ends: The status that it comes to. A job that stays `InProgress` never begins to train, one that is `Completed`
            loses its metrics; a deployment may stay `Creating`, an update `Updating`.
        message: The service's failure message.
    """

    resource: Literal["job", "deployment", "update"]
    name: str
    ends: str
    message: str = ""

    def __post_init__(self) -> None:
        if self.ends not in _ENDS[self.resource]:
            raise ValueError(f"ends: got {self.ends!r} for a {self.resource}, wanted {', '.join(_ENDS[self.resource])}")


class JobAccident(Exception):
    """A job ends otherwise than it would have.

    Args:
        accident: How.
    """

    def __init__(self, accident: Accident) -> None:
        super().__init__(accident.message)
        self.accident = accident


class Accidents:
    """The accidents that wait to happen; each happens once. Safe for many threads."""

    def __init__(self) -> None:
        self._waiting: list[Accident] = []
        self._lock = threading.Lock()

    def order(self, body: bytes) -> JsonObject:
        """Order an accident.

        Raises:
            ServiceError: ValidationException when it is none.
        """
        try:
            accident = msgspec.json.decode(body, type=Accident)
        except msgspec.MsgspecError as error:
            raise invalid(f"accident: {error}") from None
        with self._lock:
            self._waiting.append(accident)
        return {}

    def take(self, resource: str, name: str) -> Accident | None:
        """Return the accident that happens to a resource now, or None."""
        with self._lock:
            found = next((one for one in self._waiting if (one.resource, one.name) == (resource, name)), None)
            if found is not None:
                self._waiting.remove(found)
            return found
