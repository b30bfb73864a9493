"""S3 patch: the rights on a KMS key that reading and writing its objects takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from rft_local.emulator.authorization import simulate
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.emulator.upstream import require, wrap

S3 = "services.s3"
ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
OBJECT_PARAMETERS = frozenset({"versionId", "partNumber", "uploadId", "uploads", "x-id"})


def require_key_permissions() -> None:
    """Checks the caller's rights on the KMS key of an object that is written or read.

    Gap: ministack stores and returns objects under a KMS key to callers who may not use the key.
    AWS: writing takes `kms:GenerateDataKey`, reading `kms:Decrypt`, both with `kms:ViaService` =
    `s3.<region>.amazonaws.com` and the object's ARN as encryption context (S3 User Guide, "Using server-side
    encryption with AWS KMS keys").
    Kinder than AWS: data is not encrypted, a disabled key still works, and parts of multipart uploads need no Decrypt.
    """
    wrap(S3, "handle_request", _handle)


async def _handle(
    original: Any,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    *arguments: Any,
    **options: Any,
) -> Any:
    """Checks a write before it happens and a read before it is answered."""
    bucket, _, name = path.lstrip("/").partition("/")
    is_object = bool(name) and set(query) <= OBJECT_PARAMETERS
    if is_object and _writes(method, query):
        key = headers.get(KEY_ID) if headers.get(ALGORITHM) else _default_key(bucket)
        refusal = _refusal("kms:GenerateDataKey", key, bucket, name)
        source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/").partition("?")[0].partition("/")
        refusal = refusal or _refusal("kms:Decrypt", _default_key(source[0]), source[0], source[2])
        if refusal:
            return refusal
    response = await original(method, path, headers, body, query, *arguments, **options)
    if is_object and method == "GET" and response[0] in (200, 206):
        return _refusal("kms:Decrypt", response[1].get(KEY_ID), bucket, name) or response
    return response


def _writes(method: str, query: Mapping[str, Any]) -> bool:
    """Whether a request on an object starts new data: PutObject, CopyObject or CreateMultipartUpload."""
    return (method == "PUT" and "uploadId" not in query) or (method == "POST" and "uploads" in query)


def _default_key(bucket: str) -> str | None:
    """The KMS key of a bucket's default encryption."""
    found = require(S3, "_bucket_default_sse_headers")(bucket).get(KEY_ID) if bucket else None
    return str(found) if found else None


def _refusal(action: str, key: str | None, bucket: str, name: str) -> Any:
    """The answer to a caller who may not use a key; None when it may, or when there is no key."""
    record = require("services.kms", "_resolve_key")(key) if key else None
    if record is None:
        return None
    context = {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com",
        "kms:CallerAccount": ACCOUNT,
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/{name}",
    }
    decision = simulate(require("core.iam_evaluator", "caller_arn")(), action, record["Arn"], context)
    if decision.allowed:
        return None
    text = f"<Error><Code>AccessDenied</Code><Message>{escape(decision.reason)}</Message></Error>"
    return 403, {"Content-Type": "application/xml"}, text.encode()
