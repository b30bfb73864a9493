"""The data bucket and the key."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from rft_runtime.data_bucket import is_missing
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
    found = place.clients.kms.describe_key(KeyId=place.key_arn)["KeyMetadata"]
    state = found.get("KeyState", "Enabled")
    if state != "Enabled":
        yield Finding(
            check="key",
            severity=Severity.ERROR,
            found=f"the key {place.key_arn} is {state}, so neither data nor models can be read",
            remedy="enable the key, or cancel its deletion",
        )
    else:
        yield Finding(check="key", severity=Severity.OK, found=f"{place.key_arn} is enabled")
