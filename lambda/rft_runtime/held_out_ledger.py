"""How often a held-out set was looked at: every look makes the next gain less surprising."""

from dataclasses import dataclass

import msgspec

from rft_contract.layout import HELD_OUT_USES, dataset_key
from rft_runtime.data_bucket import DataBucket


class _Uses(msgspec.Struct, frozen=True):
    runs: list[str] = []


@dataclass(frozen=True)
class HeldOutLedger:
    """The runs that were evaluated on the same held-out prompts, in order: `datasets/<digest>/uses.json`.

    The same prompts are the same set, compressed or not, in any order and under any name: a look is not forgotten
    because the file was written again. A set with one more prompt is another one.

    Args:
        bucket: The data bucket.
        digest: Of the held-out prompts, `PromptSizes.digest`.
    """

    bucket: DataBucket
    digest: str

    def looks(self, run_id: str) -> int:
        """Return how many other runs were evaluated on it, without entering this one."""
        found = self.bucket.find(self._key)
        return sum(other != run_id for other in _decode(None if found is None else found[0]).runs)

    def note(self, run_id: str) -> int:
        """Enter a run, once, and return how many other runs were entered before it.

        Raises:
            Transient: When others kept writing for ten attempts.
        """

        def entered(uses: _Uses) -> _Uses:
            return uses if run_id in uses.runs else _Uses([*uses.runs, run_id])

        uses = self.bucket.update(self._key, entered, decode=_decode, encode=msgspec.json.encode)
        return uses.runs.index(run_id)

    @property
    def _key(self) -> str:
        return dataset_key(self.digest, HELD_OUT_USES)


def _decode(body: bytes | None) -> _Uses:
    return _Uses() if body is None else msgspec.json.decode(body, type=_Uses)
