"""A dataset on its way into the environment's bucket: its content's hash names its folder, so nothing is sent twice."""

import hashlib
from pathlib import Path

from rft_cli.environment import Environment
from rft_contract.layout import SPLIT_METADATA, dataset_key


def upload(environment: Environment, path: Path, *, split: str) -> str:
    """Put a dataset where its content belongs, unless it lies there already.

    Args:
        environment: Whose bucket.
        path: The file.
        split: What it is for; the check on its arrival asks for it.

    Returns:
        Its `s3://` address.
    """
    from botocore.exceptions import ClientError

    bucket, address = environment.outputs.bucket, address_of(environment, path)
    key = environment.bucket.key_of(address)
    try:
        environment.aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # Without s3:ListBucket, S3 answers 403 for a key that does not exist.
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound", "403"):
            raise
        environment.aws.s3.upload_file(str(path), bucket, key, ExtraArgs={"Metadata": {SPLIT_METADATA: split}})
    return address


def address_of(environment: Environment, path: Path) -> str:
    """Return where a dataset's content belongs, whether it lies there or not.

    Args:
        environment: Whose bucket.
        path: The file.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return environment.bucket.address(dataset_key(digest, path.name))
