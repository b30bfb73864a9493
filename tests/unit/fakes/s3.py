"""Amazon S3 in memory."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.unit.fakes.account import BUCKET, REGION
from tests.unit.fakes.service_models import aws_error, check_request


@dataclass
class FakeS3:
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    on_put: Callable[[str], None] = lambda key: None
    region: str = REGION

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        assert Bucket == BUCKET
        check_request("s3", "GetObject", {"Bucket": Bucket, "Key": Key})
        if Key not in self.objects:
            raise aws_error("NoSuchKey", "GetObject", 404)
        body = self.objects[Key]
        if Range is not None:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(body), "ETag": f'"{self.versions[Key]}"'}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        check_request("s3", "HeadObject", {"Bucket": Bucket, "Key": Key})
        if Key not in self.objects:
            raise aws_error("404", "HeadObject", 404)
        return {
            "ETag": f'"{self.versions[Key]}"',
            "VersionId": f"v{self.versions[Key]}",
            "ContentLength": len(self.objects[Key]),
            "Metadata": self.metadata.get(Key, {}),
        }

    def head_bucket(self, *, Bucket: str) -> dict[str, Any]:
        check_request("s3", "HeadBucket", {"Bucket": Bucket})
        return {"BucketRegion": self.region}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: Any,
        ContentType: str,
        IfNoneMatch: str | None = None,
        IfMatch: str | None = None,
        Tagging: str | None = None,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self.tags[Key] = Tagging
        self.on_put(Key)
        if IfNoneMatch == "*" and Key in self.objects:
            raise aws_error("PreconditionFailed", "PutObject", 412)
        if IfMatch is not None and IfMatch != f'"{self.versions.get(Key)}"':
            raise aws_error("PreconditionFailed", "PutObject", 412)
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()
        self.versions[Key] = self.versions.get(Key, 0) + 1
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(
            paginate=lambda Bucket, Prefix: [
                {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}
            ]
        )

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        check_request("s3", "DeleteObject", {"Bucket": Bucket, "Key": Key})
        self.objects.pop(Key, None)

    def put(self, key: str, body: bytes) -> None:
        self.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="text/plain")
