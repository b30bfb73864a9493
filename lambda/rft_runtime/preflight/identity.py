"""Who asks, and whether it is the environment's account."""

from collections.abc import Iterator

from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.preflight.place import Place


def identity(place: Place) -> Iterator[Finding]:
    """Look who asks: `sts:GetCallerIdentity`, which needs no permission."""
    caller = place.clients.sts.get_caller_identity()
    if caller["Account"] != place.account:
        yield Finding(
            check="identity",
            severity=Severity.ERROR,
            found=f"{caller['Arn']} is of account {caller['Account']}, the environment lies in {place.account}",
            remedy="use credentials of the environment's account",
        )
    else:
        yield Finding(check="identity", severity=Severity.OK, found=f"{caller['Arn']} in {place.region}")
