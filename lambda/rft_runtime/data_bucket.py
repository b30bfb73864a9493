"""The environment's data bucket: reads, streams and conditional writes."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import sleep
from typing import IO, TYPE_CHECKING, BinaryIO, TypeVar, cast
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from rft_contract.outcomes import Transient
from rft_runtime.failures import error_code

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Value = TypeVar("Value")

_ATTEMPTS = 10
_LONGEST_WAIT = 1.0
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


def is_missing(error: ClientError) -> bool:
    """Say whether an S3 error means that the object does not exist."""
    return error_code(error) in _MISSING


@dataclass(frozen=True)
class StoredObject:
    """One version of an object.

    Args:
        etag: Its ETag, without quotes.
        version: Its version id; None in a bucket without versions.
        size: Bytes.
        metadata: The user's own, names in lower case.
    """

    etag: str
    version: str | None
    size: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class DataBucket:
    """One bucket.

    Encryption is the bucket's own default, so no request names a key. Conditional writes: S3 user guide, "How to
    prevent object overwrites with conditional writes" (412 when the condition fails, 409 when two writers meet).

    Args:
        client: S3 client.
        name: Bucket name.
        sleep: Waits between attempts of `update`; replaced in tests.
    """

    client: "S3Client"
    name: str
    sleep: Callable[[float], None] = sleep

    def address(self, key: str) -> str:
        """Return the `s3://` address of a key."""
        return f"s3://{self.name}/{key}"

    def key_of(self, address: str) -> str:
        """Return the key of an `s3://` address in this bucket.

        Raises:
            ValueError: When it is not an address in this bucket.
        """
        prefix = f"s3://{self.name}/"
        if not address.startswith(prefix) or len(address) == len(prefix):
            raise ValueError(f"got {address!r}, wanted an object in this environment's bucket, {prefix}...")
        return address[len(prefix) :]

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """Return an object, or its bytes from `start` to before `end`."""
        if start == 0 and end is None:
            return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        last = "" if end is None else str(end - 1)
        return self.client.get_object(Bucket=self.name, Key=key, Range=f"bytes={start}-{last}")["Body"].read()

    def find(self, key: str) -> tuple[bytes, str] | None:
        """Return an object and its ETag, or None when there is none."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return answer["Body"].read(), answer["ETag"]

    def describe(self, key: str) -> StoredObject | None:
        """Return an object's newest version, or None when there is no object."""
        try:
            answer = self.client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return StoredObject(
            etag=answer["ETag"].strip('"'),
            version=answer.get("VersionId"),
            size=answer["ContentLength"],
            metadata=answer["Metadata"],
        )

    def keys(self, prefix: str) -> Iterator[str]:
        """List the keys that begin with a prefix, in order."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            for found in page.get("Contents", []):
                yield found["Key"]

    def open(self, key: str) -> BinaryIO:
        """Return an object as a stream that can be read once, from its start."""
        return cast(BinaryIO, self.client.get_object(Bucket=self.name, Key=key)["Body"])

    def write(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/json") -> None:
        """Write an object, whatever was there."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type)

    def write_tagged(self, key: str, body: bytes, *, tags: Mapping[str, str], content_type: str) -> None:
        """Write an object with tags, whatever was there."""
        self.client.put_object(
            Bucket=self.name, Key=key, Body=body, ContentType=content_type, Tagging=urlencode(dict(tags))
        )

    def create(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/json") -> bool:
        """Write an object unless there is one; return whether it was written."""
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) in _LOST:
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        """Delete an object if it is there; its versions stay until they expire."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def replace(self, key: str, body: bytes, etag: str, *, content_type: str = "application/json") -> bool:
        """Write an object if it still is the version with this ETag; return whether it was written."""
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type, IfMatch=etag)
        except ClientError as error:
            if error_code(error) in _LOST:
                return False
            raise
        return True

    def update(
        self,
        key: str,
        change: Callable[[Value], Value],
        *,
        decode: Callable[[bytes | None], Value],
        encode: Callable[[Value], bytes],
    ) -> Value:
        """Apply a change to what an object says, by a conditional write that is repeated when somebody else was faster.

        Args:
            key: The object.
            change: Pure function; it may be called more than once, and may raise to leave the object as it is.
            decode: Reads the object's bytes; None: there is no object.
            encode: Writes them.

        Returns:
            The result; nothing was written if it equals what was there.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        for attempt in range(_ATTEMPTS):
            found = self.find(key)
            before = decode(None if found is None else found[0])
            after = change(before)
            if after == before:
                return after
            body = encode(after)
            if self.create(key, body) if found is None else self.replace(key, body, found[1]):
                return after
            self.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.05 * 2**attempt)))
        raise Transient(f"{self.address(key)} changed {_ATTEMPTS} times while it was being written")
