"""How often a held-out set was looked at: every look makes the next gain less surprising."""

from dataclasses import dataclass

import msgspec

from rft_contract.layout import HELD_OUT_USES, dataset_key
from rft_contract.outcomes import Transient
from rft_runtime.data_bucket import DataBucket

_ATTEMPTS = 10


class _Uses(msgspec.Struct):
    runs: list[str]


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
        return sum(other != run_id for other in self._read()[0])

    def note(self, run_id: str) -> int:
        """Enter a run, once, and return how many other runs were entered before it.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        key = dataset_key(self.digest, HELD_OUT_USES)
        for _ in range(_ATTEMPTS):
            runs, etag = self._read()
            if run_id in runs:
                return runs.index(run_id)
            body = msgspec.json.encode(_Uses(runs=[*runs, run_id]))
            if self.bucket.create(key, body) if etag is None else self.bucket.replace(key, body, etag):
                return len(runs)
        raise Transient(f"{self.bucket.address(key)} changed {_ATTEMPTS} times while it was being written")

    def _read(self) -> tuple[list[str], str | None]:
        """Return the runs that were entered, and the version that says so; None: there is none yet."""
        found = self.bucket.find(dataset_key(self.digest, HELD_OUT_USES))
        return ([], None) if found is None else (msgspec.json.decode(found[0], type=_Uses).runs, found[1])
