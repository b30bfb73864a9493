"""How often a held-out set was looked at: every look makes the next gain less surprising."""

from dataclasses import dataclass

import msgspec

from rft_contract.layout import dataset_key
from rft_contract.outcomes import Transient
from rft_runtime.data_bucket import DataBucket

_ATTEMPTS = 10


class _Uses(msgspec.Struct):
    runs: list[str]


@dataclass(frozen=True)
class HeldOutLedger:
    """The runs that were evaluated on one held-out set, in order: `datasets/<sha256>/uses.json`.

    Args:
        bucket: The data bucket.
        sha256: Hex digest of the held-out set.
    """

    bucket: DataBucket
    sha256: str

    def note(self, run_id: str) -> int:
        """Enter a run, once, and return how many other runs were entered before it.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        key = dataset_key(self.sha256, "uses.json")
        for _ in range(_ATTEMPTS):
            found = self.bucket.find(key)
            runs = [] if found is None else msgspec.json.decode(found[0], type=_Uses).runs
            if run_id in runs:
                return runs.index(run_id)
            body = msgspec.json.encode(_Uses(runs=[*runs, run_id]))
            if self.bucket.create(key, body) if found is None else self.bucket.replace(key, body, found[1]):
                return len(runs)
        raise Transient(f"{self.bucket.address(key)} changed {_ATTEMPTS} times while it was being written")
