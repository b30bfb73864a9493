"""The places of an environment: how many runs may go on at once, and which ones hold them.

Runs share the account's quotas and each reward function's calls at once, so too many at once starve each other. One
object in the data bucket names the runs that hold a place; it is only ever changed by conditional writes, so of two
runs that want the last place exactly one gets it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from rft_contract.layout import PLACES
from rft_contract.outcomes import RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.run_record import RunStore


class Places(msgspec.Struct, frozen=True):
    """Who holds a place.

    Args:
        runs: Ids of runs, the first that came first.
    """

    runs: list[str] = []


@dataclass(frozen=True)
class PlaceStore:
    """The environment's places.

    Args:
        bucket: The data bucket.
        runs: The records, which tell whether a holder is over.
    """

    bucket: DataBucket
    runs: RunStore

    def take(self, run_id: str, most: int) -> None:
        """Take a place for a run, once. Places of runs that are closed, or have no record, are free.

        Args:
            run_id: The run.
            most: How many places there are.

        Raises:
            RunFailed: When all are held by other runs.
            Transient: When others kept writing for ten attempts.
        """

        def taken(holders: Sequence[str]) -> Sequence[str]:
            if run_id in holders:
                return holders
            others = [holder for holder in holders if not self._is_over(holder)]
            if len(others) >= most:
                raise RunFailed(
                    f"{len(others)} of {most} places (max_parallel_runs) are held by {', '.join(self._words(others))}; "
                    "start again when one of them has ended, or raise max_parallel_runs in RftConfig"
                )
            return [*others, run_id]

        self._change(taken)

    def give_back(self, run_id: str) -> None:
        """Give a run's place back, if it holds one.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        self._change(lambda holders: [holder for holder in holders if holder != run_id])

    def _change(self, change: Callable[[Sequence[str]], Sequence[str]]) -> None:
        self.bucket.update(
            PLACES,
            lambda places: Places(list(change(places.runs))),
            decode=lambda body: Places() if body is None else msgspec.json.decode(body, type=Places),
            encode=msgspec.json.encode,
        )

    def _is_over(self, run_id: str) -> bool:
        """Whether a run needs its place no more: nothing that it made is left."""
        record = self.runs.find(run_id)
        return record is None or record.closed is not None

    def _words(self, holders: Sequence[str]) -> Iterator[str]:
        """Yield each holder with where it stands."""
        for holder in holders:
            record = self.runs.find(holder)
            if record is not None:
                yield f"{holder} ({record.outcome or record.stage}, since {record.started:%Y-%m-%d %H:%M} UTC)"
