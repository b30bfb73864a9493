"""Where invocation logs, or samples of them, lie: a bucket's prefix, a folder or a file."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

from rft_cli.cli_error import CliError
from rft_cli.environment import LOCAL, Aws, local_aws, real_aws
from rft_contract.naming import check_environment
from rft_dataset.invocation_log import is_log

_S3 = "s3://"
_TELL_EVERY = 2.0


def open_aws(env: str | None) -> Aws:
    """Return clients of the AWS in which logs lie: the embedded one for `local`, else that of the shell's credentials.

    Raises:
        CliError: When the embedded AWS does not run.
        ValueError: When there is no such environment.
    """
    return local_aws() if env is not None and check_environment(env) == LOCAL else real_aws()


def log_objects(source: str, env: str | None) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the name and the bytes of each log object, one open at a time, in the order of their names.

    Bodies that Bedrock keeps apart (`data/`) and its checks of permissions are passed over.

    Args:
        source: `s3://bucket/prefix`, a folder, which is read with those in it, or a file.
        env: The environment whose AWS holds the bucket.

    Raises:
        CliError: When there is nothing there or it cannot be read.
    """
    opened = _s3_objects(source, env) if source.startswith(_S3) else _files(Path(source))
    found = False
    for name, stream in opened:
        found = True
        with closing(stream):
            yield name, stream
    if not found:
        raise CliError(f"{source}: no log objects; wanted those below AWSLogs/<account>/BedrockModelInvocationLogs/")


def telling(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that passes words on every two seconds at most."""
    told = time.monotonic()

    def seldom(words: str) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_EVERY:
            told = time.monotonic()
            tell(words)

    return seldom


def _s3_objects(source: str, env: str | None) -> Iterator[tuple[str, BinaryIO]]:
    bucket, _, prefix = source.removeprefix(_S3).partition("/")
    if not bucket:
        raise CliError(f"{source}: wanted s3://bucket/prefix")
    s3 = open_aws(env).s3
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", []):
            if is_log(listed["Key"]):
                body = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"]
                yield f"{_S3}{bucket}/{listed['Key']}", cast(BinaryIO, body)


def _files(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    inside = (one for one in sorted(path.rglob("*")) if is_log(one.relative_to(path).as_posix()) and one.is_file())
    for file in inside if path.is_dir() else (path,):
        try:
            yield str(file), file.open("rb")
        except OSError as error:
            raise CliError(f"{file}: {error.strerror or error}") from None
