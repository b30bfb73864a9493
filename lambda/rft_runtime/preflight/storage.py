"""The data bucket and the key."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from rft_runtime.data_bucket import is_missing
from rft_runtime.failures import error_code
from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.preflight.place import Place


def bucket(place: Place) -> Iterator[Finding]:
    """Look where the bucket lies: a job reads only from its own Region (user guide, "Troubleshooting ... issues")."""
    try:
        region = place.clients.s3.head_bucket(Bucket=place.bucket).get("BucketRegion", "")
    except ClientError as error:
        if not is_missing(error):
            raise
        yield Finding(
            check="bucket",
            severity=Severity.ERROR,
            found=f"{place.bucket} does not exist",
            remedy="deploy the stack again",
        )
        return
    if not region:
        yield Finding(check="bucket", severity=Severity.UNKNOWN, found=f"S3 does not say where {place.bucket} lies")
    elif region != place.region:
        yield Finding(
            check="bucket",
            severity=Severity.ERROR,
            found=f"{place.bucket} lies in {region}, the job would run in {place.region}",
            remedy="deploy the environment in one Region",
        )
    else:
        yield Finding(check="bucket", severity=Severity.OK, found=f"{place.bucket} lies in {region}")


def key(place: Place) -> Iterator[Finding]:
    """Look whether the key can be used."""
    yield _key(place, "key", place.key_arn, "neither data nor models can be read")


def release_key(place: Place) -> Iterator[Finding]:
    """Look whether the key that signs releases can be used, before hours of training end in what cannot be released."""
    if place.release_key_arn is not None:
        yield _key(place, "release-key", place.release_key_arn, "nothing can be released")


def _key(place: Place, check: str, arn: str, otherwise: str) -> Finding:
    try:
        found = place.clients.kms.describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as error:
        if error_code(error) != "NotFoundException":
            raise
        return Finding(
            check=check,
            severity=Severity.ERROR,
            found=f"the key {arn} does not exist",
            remedy="deploy the stack again",
        )
    state = found.get("KeyState", "Enabled")
    if state == "Enabled":
        return Finding(check=check, severity=Severity.OK, found=f"{arn} is enabled")
    return Finding(
        check=check,
        severity=Severity.ERROR,
        found=f"the key {arn} is {state}, so {otherwise}",
        remedy="enable the key, or cancel its deletion",
    )
