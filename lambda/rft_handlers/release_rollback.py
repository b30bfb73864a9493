"""What `rft release rollback` calls: `{"line","token","to","reason"}` -> `{"line","release","progress"}`."""

import msgspec

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.releases.rollback import roll_back


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    line: str
    token: str
    to: int | None = None
    reason: str = ""


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Begin a rollback or go on with it."""
    asked = msgspec.convert(event, _Asked)
    return roll_back(here(), line=asked.line, token=asked.token, to=asked.to, reason=asked.reason)
