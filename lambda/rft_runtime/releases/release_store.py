"""Where the releases of an environment's model lines lie."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from rft_contract.layout import RELEASES, current_release_key, release_key
from rft_contract.outcomes import RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.platform import Platform
from rft_runtime.releases.current import Current
from rft_runtime.releases.release import Release

_T = TypeVar("_T")

_CURRENT = re.compile(re.escape(RELEASES) + r"([^/]+)/current\.json")


class KeptRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release whose model must not be deleted.

    Args:
        number: Its number.
        model_arn: Its model.
    """

    number: int
    model_arn: str


@dataclass(frozen=True)
class ReleaseStore:
    """The releases of an environment's lines, in its data bucket.

    Args:
        bucket: The data bucket.
        environment: Name of the environment.
    """

    bucket: DataBucket
    environment: str

    def current(self, line: str) -> Current:
        """Return what is live on a line; a line that nothing was ever promoted on is empty.

        Raises:
            ValueError: When it cannot be read.
        """
        found = self.bucket.find(current_release_key(line))
        return self._current(line, None if found is None else found[0])

    def update(self, line: str, change: Callable[[Current], Current]) -> Current:
        """Apply a change to the newest state of a line, by a conditional write, and return the result.

        Args:
            line: The model line.
            change: Pure function; it may be called more than once, and may raise to leave the line as it is.

        Raises:
            Transient: When others kept writing for ten attempts.
            ValueError: When the line cannot be read.
        """
        return self.bucket.update(
            current_release_key(line),
            change,
            decode=lambda body: self._current(line, body),
            encode=lambda current: msgspec.json.format(msgspec.json.encode(current), indent=2),
        )

    def create(self, line: str, number: int, body: bytes) -> str:
        """Write a manifest, once, and return its hex digest.

        Args:
            line: The model line.
            number: Of the release.
            body: What `encode_release` returned.

        Raises:
            RunFailed: When the number has another manifest.
        """
        key = release_key(line, number)
        if not self.bucket.create(key, body) and self.bucket.read(key) != body:
            raise RunFailed(f"{self.bucket.address(key)} exists and says something else; manifests are written once")
        return hashlib.sha256(body).hexdigest()

    def digest(self, line: str, number: int) -> str:
        """Return the hex digest of a manifest."""
        return hashlib.sha256(self.bucket.read(release_key(line, number))).hexdigest()

    def find(self, line: str, number: int) -> Release | None:
        """Return a release's manifest, or None.

        Raises:
            ValueError: When it cannot be read.
        """
        key = release_key(line, number)
        found = self.bucket.find(key)
        return None if found is None else self._decode(key, found[0], Release)

    def load(self, line: str, number: int) -> Release:
        """Return a release's manifest.

        Raises:
            RunFailed: When there is none.
            ValueError: When it cannot be read.
        """
        release = self.find(line, number)
        if release is None:
            raise RunFailed(f"line {line}: there is no release {number}")
        return release

    def lines(self) -> Iterator[str]:
        """List the lines that something was promoted on, or is being."""
        for key in self.bucket.keys(RELEASES):
            if (found := _CURRENT.fullmatch(key)) is not None:
                yield found[1]

    def releases_kept(self, line: str, keep: int) -> tuple[KeptRelease, ...]:
        """Return the releases whose models must stay: the last ones that went live, and what is being put in place.

        Args:
            line: The model line.
            keep: How many of the last releases that went live, at least the live one.

        Raises:
            RunFailed, ValueError: As `load`.
        """
        current = self.current(line)
        numbers = list(dict.fromkeys(turn.release for turn in reversed(current.history)))[: max(1, keep)]
        models = {number: self.load(line, number).model_arn for number in numbers}
        change = current.change
        if change is not None and change.release is not None and change.model_arn is not None:
            models[change.release] = change.model_arn
        return tuple(KeptRelease(number=number, model_arn=model) for number, model in sorted(models.items()))

    def _current(self, line: str, body: bytes | None) -> Current:
        if body is None:
            return Current(line=line, environment=self.environment)
        return self._decode(current_release_key(line), body, Current)

    def _decode(self, key: str, body: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(
                f"{self.bucket.address(key)} is not as a promotion or rollback wrote it: {error}; find out who changed "
                "it, and put back the version before, which the bucket keeps for a while"
            ) from None


def release_store(platform: Platform) -> ReleaseStore:
    """Return the releases of an environment."""
    return ReleaseStore(platform.bucket, platform.environment)
