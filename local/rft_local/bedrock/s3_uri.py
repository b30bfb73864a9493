"""An address in S3."""

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Uri:
    """A bucket and a key or prefix.

    Args:
        bucket: Bucket name.
        key: Key or prefix, without a slash at its ends.
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Read an address whose form the service model has checked."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key.rstrip("/"))

    def below(self, name: str) -> "S3Uri":
        """Return the address of something below this prefix."""
        return S3Uri(self.bucket, f"{self.key}/{name}" if self.key else name)
