"""Deleting objects of the data bucket for good, with every version of them."""

from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.prompt_traces import Copy
from rft_runtime.failures import explain


def erase(environment: Environment, copies: Sequence[Copy], tell: Callable[[str], None]) -> list[str]:
    """Delete every version of some objects; return their keys.

    Args:
        environment: Where.
        copies: What to delete; none that is kept.
        tell: Told each key.

    Raises:
        CliError: When one is kept, or AWS refuses; what was deleted before stays deleted.
    """
    for copy in copies:
        if copy.kept is not None:
            raise CliError(f"{copy.key} stays: {copy.kept}")
    deleted: list[str] = []
    for key in dict.fromkeys(copy.key for copy in copies):
        tell(key)
        try:
            _erase(environment, key)
        except ClientError as error:
            raise CliError(f"{key}: {explain(error)}; {len(deleted)} of {len(copies)} objects are deleted") from None
        deleted.append(key)
    return deleted


def _erase(environment: Environment, key: str) -> None:
    s3, bucket = environment.aws.s3, environment.outputs.bucket
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if version["Key"] == key:  # a longer key may begin with this one
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
