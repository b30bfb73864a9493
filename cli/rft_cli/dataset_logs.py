"""Prompt sets made from production's logs, and training sets compared with them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.log_sample import Reading, Wanted, sample_logs
from rft_cli.new_file import check_new, new_file
from rft_contract.json_value import JsonObject
from rft_dataset.findings import Finding
from rft_dataset.log_selection import LogFilter
from rft_dataset.records import Row
from rft_dataset.sampling import StratifiedSample
from rft_dataset.similar_prompts import Prompts
from rft_dataset.validation import validate
from rft_runtime.production_match import Match, match

CANDIDATES = 3
"""Prompts that are drawn for each wanted one, because near copies among them are dropped."""

_rows = msgspec.json.Decoder(Row)


@dataclass(frozen=True, kw_only=True)
class PromptSet:
    """A prompt set that was made from logs.

    Args:
        output: Its file.
        prompts: Its rows.
        copies: Prompts that were drawn and dropped because another one said the same, or nearly.
        reading: What was read.
    """

    output: str
    prompts: int
    copies: int
    reading: Reading


def prompts_from_logs(
    source: str,
    output: Path,
    *,
    size: int,
    seed: int,
    wanted: LogFilter,
    by: str | None,
    env: str | None,
    force: bool,
    tell: Callable[[str], None],
) -> PromptSet:
    """Draw a prompt set from logs and write it, a row a line and without references.

    Equal prompts count once, however large the logs are; near copies are dropped among the candidates, of which three
    are drawn for each wanted row.

    Args:
        source: As for `sample_logs`.
        output: The file to write.
        size: Rows at most.
        seed: Of the draw; the same logs and seed give the same file.
        wanted: Which prompts may be drawn.
        by: What strata are made by (`stratum`).
        env: The environment whose AWS holds the bucket.
        force: Whether a file that exists is replaced.
        tell: Told what is being done.

    Raises:
        CliError: When the logs hold no wanted prompt, or a file cannot be read or written.
    """
    check_new(output, force=force)
    asked = Wanted(size=CANDIDATES * size, seed=seed, distinct=True, prompts=wanted, by=by)
    candidates, reading = sample_logs(source, env, asked, tell)
    tell("dropping copies")
    rows, copies = _distinct(candidates, size)
    if not rows:
        raise CliError(f"{source}: no prompts to draw from: {reading.words()}")
    with new_file(output) as file:
        file.writelines(row + b"\n" for row in rows)
    return PromptSet(output=str(output), prompts=len(rows), copies=copies, reading=reading)


def compare_with_logs(
    train: Path, source: str, *, size: int, seed: int, env: str | None, tell: Callable[[str], None]
) -> tuple[Match, Reading]:
    """Compare a training set with a sample of what production asked.

    Args:
        train: The training set's file.
        source: As for `sample_logs`.
        size: Requests that are drawn of the logs.
        seed: Of the draw.
        env: The environment whose AWS holds the bucket.
        tell: Told what is being done.

    Raises:
        CliError: When a file cannot be read, or holds no prompt.
    """
    tell(f"reading {train}")
    training = _sound_rows(train)
    asked = Wanted(size=size, seed=seed, distinct=False)
    requests, reading = sample_logs(source, env, asked, tell)
    production = [_rows.decode(row) for row in requests.draw()[:size]]
    if not production:
        raise CliError(f"{source}: no prompts to compare with: {reading.words()}")
    return match(training, production, tell=tell), reading


def _distinct(candidates: StratifiedSample, size: int) -> tuple[list[bytes], int]:
    """Return a draw of those candidates that are no copies of others, and how many are."""
    drawn, prompts = candidates.draw(), Prompts("")
    for place, row in enumerate(drawn):
        prompts.see(place, _rows.decode(row))
    kept = [place for place, first in prompts.first_alike().items() if first == place]
    strata = {entry.value: entry.stratum for entry in candidates.entries()}
    sample = StratifiedSample(size, seed=candidates.seed)
    for place in kept:
        sample.offer(strata[drawn[place]], str(place), drawn[place])
    return sample.draw(), len(drawn) - len(kept)


class _Rows:
    """The sound rows of a dataset (a `RowReader`)."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        self.rows.append(row)

    def findings(self) -> tuple[Finding, ...]:
        """Return nothing."""
        return ()

    def facts(self) -> JsonObject:
        """Return nothing."""
        return {}


def _sound_rows(path: Path) -> list[Row]:
    """Return the rows of a dataset in which nothing is wrong."""
    reader = _Rows()
    try:
        with path.open("rb") as file:
            report = validate(file, str(path), split="train", readers=(reader,))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    if not reader.rows:
        raise CliError(f"{path}: no sound row among {report.rows:,}: `rft validate {path}` says what is wrong")
    return reader.rows
