"""A dataset in the bucket as a stream, whose errors have names and say what to do."""

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from rft_contract.outcomes import InvalidDataset, RunFailed, Transient
from rft_runtime.data_bucket import DataBucket, is_missing
from rft_runtime.failures import error_code, explain, is_transient
from rft_runtime.hashed_stream import HashedStream

_DENIED = ("AccessDenied", "403", "Forbidden")


class DatasetStream(io.RawIOBase):
    """A dataset in the bucket, opened when it is first read: no connection idles while another dataset is read.

    Args:
        bucket: Where it lies.
        key: Its key.
        name: What errors call it, such as `datasets.train`.
        seconds: Time for opening and reading it, from now.
    """

    def __init__(self, bucket: DataBucket, key: str, *, name: str, seconds: float = math.inf) -> None:
        self._bucket = bucket
        self._key = key
        self._place = f"{name}: {bucket.address(key)}"
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._source: HashedStream | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; all that is left when negative.

        Raises:
            InvalidDataset: When the object is gone, archived, or too long for the time that is left.
            RunFailed: When S3 or KMS refuse to hand it out.
            Transient: When reading broke off for a cause that a retry may cure.
        """
        if time.monotonic() > self._end:
            raise InvalidDataset(
                f"{self._place}: not read to its end in {self._seconds:.0f} s; make it smaller: a job takes at most "
                "20,000 rows"
            )
        with named_reads(self._place):
            return self._opened().read(size)

    def sha256(self) -> str:
        """Read the rest and return the hex digest of the whole.

        Raises:
            InvalidDataset, RunFailed, Transient: As `read`.
        """
        with named_reads(self._place):
            return self._opened().sha256()

    def _opened(self) -> HashedStream:
        if self._source is None:
            self._source = HashedStream(self._bucket.open(self._key))
        return self._source


@contextmanager
def named_reads(place: str) -> Iterator[None]:
    """Give errors of reading a dataset a name.

    Args:
        place: Which dataset and where, for the message.

    Raises:
        InvalidDataset: When the object is gone or archived.
        RunFailed: When S3 or KMS refuse to hand it out.
        Transient: When the same call may succeed later.
    """
    try:
        yield
    except ClientError as error:
        raise _ending(place, error) from error
    except (BotoCoreError, HTTPError) as error:
        if is_transient(error):
            raise Transient(f"{place}: reading broke off: {explain(error)}") from error
        raise RunFailed(f"{place}: {explain(error)}") from error


def _ending(place: str, error: ClientError) -> Exception:
    code = error_code(error)
    if is_missing(error):
        return InvalidDataset(f"{place}: the object is gone; upload it again")
    if code == "InvalidObjectState":
        return InvalidDataset(f"{place}: the object is archived; restore it or upload it again")
    if is_transient(error):
        return Transient(f"{place}: {explain(error)}")
    if code in _DENIED or code.startswith("KMS."):
        return RunFailed(
            f"{place}: {explain(error)}; this function's role needs s3:GetObject on the object and kms:Decrypt on its "
            "key, and the key must be enabled: upload the object without naming another key"
        )
    return RunFailed(f"{place}: {explain(error)}")
