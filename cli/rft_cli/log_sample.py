"""A sample of production's prompts: of logs on this machine, or merged of what many machines sampled of theirs."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.log_source import log_objects, telling
from rft_dataset.chat_request import Unusable
from rft_dataset.invocation_log import LoggedPrompt, read_records
from rft_dataset.log_selection import LogFilter, prompt_key, stratum
from rft_dataset.reading import DamagedGzip, open_lines
from rft_dataset.sample_shard import NotAShard, ShardHeader, shard_entries, shard_header
from rft_dataset.sampling import StratifiedSample

_encoder = msgspec.json.Encoder()


@dataclass
class Reading:
    """What was read of logs.

    Args:
        objects: Log objects.
        prompts: Prompts in them.
        wanted: Those that the filter accepted.
        left_out: Reason -> records that are no prompts.
    """

    objects: int = 0
    prompts: int = 0
    wanted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def words(self) -> str:
        """Return the counts in words."""
        out = "".join(f", {count:,} {reason}" for reason, count in self.left_out.most_common())
        return f"{self.objects:,} log objects, {self.prompts:,} prompts, {self.wanted:,} of them wanted{out}"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is sampled of logs.

    Args:
        size: Rows at most.
        seed: Of the draw.
        distinct: Whether equal prompts count once; else every call counts.
        prompts: Which prompts are wanted.
        by: What strata are made by (`stratum`); None: one stratum.
    """

    size: int
    seed: int
    distinct: bool
    prompts: LogFilter = field(default_factory=LogFilter)
    by: str | None = None

    def key(self, prompt: LoggedPrompt) -> str:
        """Return what prompts share that count once."""
        return prompt_key(prompt) if self.distinct else prompt.request_id


def sample_logs(
    source: str, env: str | None, wanted: Wanted, tell: Callable[[str], None]
) -> tuple[StratifiedSample, Reading]:
    """Return a sample of logs, and what was read of them. Memory is bounded by the sample.

    Args:
        source: As for `log_objects`. Samples that `rft dataset sample-logs` made are merged; they were filtered, and
            their strata were made, when they were drawn.
        env: The environment whose AWS holds the bucket.
        wanted: What is sampled.
        tell: Told what is being done.

    Raises:
        CliError: When something cannot be read, or the samples there are no parts of what is wanted.
        SampleTooLarge: When the sample does not fit into memory.
    """
    found = _Gathered(wanted, telling(tell))
    for name, stream in log_objects(source, env):
        found.add(name, open_lines(stream)[0])
    return found.sample, found.reading


class _Gathered:
    """What was gathered of the objects so far."""

    def __init__(self, wanted: Wanted, tell: Callable[[str], None]) -> None:
        self.sample = StratifiedSample(wanted.size, seed=wanted.seed)
        self.reading = Reading()
        self._wanted = wanted
        self._tell = tell
        self._way: tuple[int, int, str | None, LogFilter, bool] | None = None

    def add(self, name: str, lines: Iterator[bytes]) -> None:
        """Add a log object or a sample."""
        try:
            first = next(lines, b"")
        except DamagedGzip:
            first, lines = b"", iter(())
            self.reading.left_out[Unusable.DAMAGED_GZIP] += 1
        header = shard_header(first)
        if header is not None:
            self._merge(name, header, lines)
        elif self._way is not None:
            raise CliError(f"{name}: no sample, or a damaged one, beside samples; give a folder of samples alone")
        else:
            self.reading.objects += 1
            self._offer(chain((first,), lines))

    def _offer(self, lines: Iterator[bytes]) -> None:
        for prompt in read_records(lines, tally=self.reading.left_out):
            self.reading.prompts += 1
            if self._wanted.prompts.accepts(prompt):
                self.reading.wanted += 1
                row = _encoder.encode(prompt.row())
                self.sample.offer(stratum(prompt, self._wanted.by), self._wanted.key(prompt), row)
            self._tell(f"{self.reading.objects:,} log objects, {self.reading.prompts:,} prompts")

    def _merge(self, name: str, header: ShardHeader, lines: Iterator[bytes]) -> None:
        way = (header.size, header.seed, header.by, header.wanted, header.distinct)
        if self._way is None:
            self._begin(name, header)
            self._way = way
        elif way != self._way:
            raise CliError(f"{name}: drawn in another way than the samples beside it; name the folder of one drawing")
        self.reading.objects += header.objects
        self.reading.prompts += header.prompts
        self.reading.wanted += sum(header.populations.values())
        self.reading.left_out.update(header.left_out)
        try:
            self.sample.merge(shard_entries(lines), header.populations)
        except (NotAShard, DamagedGzip) as error:
            raise CliError(f"{name}: {error}; sample the logs again") from None
        self._tell(f"{self.reading.prompts:,} prompts sampled elsewhere")

    def _begin(self, name: str, header: ShardHeader) -> None:
        """Begin a sample that others can be merged into."""
        if self.reading.objects:
            raise CliError(f"{name}: a sample, beside logs; name a folder that holds only the one or the other")
        if self._wanted.prompts != LogFilter() or self._wanted.by is not None:
            raise CliError(
                f"{name}: a sample is filtered and its strata are made when it is drawn; leave that out here"
            )
        if header.distinct != self._wanted.distinct:
            counted = "distinct prompts, without" if self._wanted.distinct else "every call, with"
            raise CliError(f"{name}: wanted a sample of {counted} --repeats; draw one under another name")
        self.sample = StratifiedSample(header.size, seed=header.seed)
