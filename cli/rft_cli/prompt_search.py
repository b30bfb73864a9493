"""Where a prompt lies in an environment: which objects hold it, and which models learned from it.

Rows are compared as validation compares them: by their field `id`, or by what they ask, whatever the case, the spaces
and the system turn.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from rft_cli.environment import Environment
from rft_cli.prompt_traces import Copy, Learned, Traces, Wanted
from rft_cli.releases import release_store
from rft_contract.layout import CERTIFICATES, DATASET_SUFFIXES, DATASETS, LOG_SAMPLES, RUNS, RunKeys
from rft_contract.naming import RUN_ID
from rft_contract.rollout_mark import RolloutMark
from rft_dataset.reading import DamagedGzip, open_lines
from rft_dataset.records import Row, folded
from rft_dataset.sample_shard import NotAShard, shard_entries
from rft_runtime.certificate import decode_certificate
from rft_runtime.certification.cases import read_cases
from rft_runtime.graded import decode_graded
from rft_runtime.report import decode_report
from rft_runtime.run_record import ENDED, RunRecord, RunStore
from rft_runtime.shards import HELD_OUT

_RUN_KEY = re.compile(re.escape(RUNS) + r"([^/]+)/(.+)")
_FROZEN = re.compile(r"data/(.+)\.jsonl")
_GRADED = re.compile(r"evaluation/graded/([^/]+)/[^/]+/[^/]+/\d+\.jsonl\.gz")
_CERTIFICATE = re.compile(re.escape(CERTIFICATES) + r"[^/]+/([0-9a-f]{64})\.json")
_ROW = msgspec.json.Decoder(Row)


def find_traces(environment: Environment, wanted: Wanted, tell: Callable[[str], None]) -> Traces:
    """Look through everything that an environment's bucket holds of people's text.

    A row that is named by its id is also looked for by what it asks, since samples of logs have no ids.

    Args:
        environment: Where.
        wanted: The prompts.
        tell: Told how far it is.
    """
    search = _Search(environment, tell)
    if wanted.ids:
        asked = {
            folded(row.asked()) for key in search.row_keys() for _, row in search.rows(key) if row.id in wanted.ids
        }
        wanted = Wanted(wanted.ids, wanted.asked | asked)
        search.found = Traces()
    return search.run(wanted)


class _Search:
    def __init__(self, environment: Environment, tell: Callable[[str], None]) -> None:
        self._environment, self._bucket, self._tell = environment, environment.bucket, tell
        self._runs = RunStore(environment.bucket)
        self._keys = {prefix: list(self._bucket.keys(prefix)) for prefix in (DATASETS, LOG_SAMPLES, RUNS, CERTIFICATES)}
        self.found = Traces()

    def row_keys(self) -> Iterator[str]:
        """Yield the keys of all objects that consist of rows."""
        yield from (key for key in self._keys[DATASETS] if key.endswith(DATASET_SUFFIXES))
        yield from (key for key in self._keys[LOG_SAMPLES] if key.endswith(DATASET_SUFFIXES))
        yield from (key for key in self._keys[RUNS] if (of := _RUN_KEY.fullmatch(key)) and _FROZEN.fullmatch(of[2]))

    def run(self, wanted: Wanted) -> Traces:
        """Find everything."""
        in_data: dict[str, set[int]] = defaultdict(set)
        for key in self._keys[DATASETS]:
            if key.endswith(DATASET_SUFFIXES) and (lines := self._lines(key, wanted)):
                in_data[key.removeprefix(DATASETS).partition("/")[0]] |= set(lines)
                self.found.copies.append(Copy(kind="dataset", key=key, lines=lines))
        for key in self._keys[LOG_SAMPLES]:
            if key.endswith(DATASET_SUFFIXES) and (lines := self._lines(key, wanted)):
                self.found.copies.append(Copy(kind="log sample", key=key, lines=lines))
        of_runs: dict[str, list[str]] = defaultdict(list)
        for key in self._keys[RUNS]:
            if (of := _RUN_KEY.fullmatch(key)) is not None and RUN_ID.fullmatch(of[1]):
                of_runs[of[1]].append(key)
        for run_id, keys in of_runs.items():
            self._run(run_id, keys, wanted, in_data)
        self._certificates(wanted, in_data)
        return self.found

    def _run(self, run_id: str, keys: list[str], wanted: Wanted, in_data: dict[str, set[int]]) -> None:
        prefix, rows, copies = RunKeys(run_id).prefix, dict[str, set[int]](), []
        for key in keys:
            if (frozen := _FROZEN.fullmatch(key.removeprefix(prefix))) is not None:
                found = [(line, _row_number(row, line)) for line, row in self.rows(key) if wanted.is_in(row)]
                if found:
                    rows[frozen[1]] = {number for _, number in found}
                    copies.append(("frozen dataset", key, tuple(line for line, _ in found)))
        if not rows:
            return
        for key in keys:
            graded = _GRADED.fullmatch(key.removeprefix(prefix))
            if graded is not None and graded[1] in rows and (lines := self._rollouts(key, rows[graded[1]])):
                copies.append(("rollouts", key, lines))
        report = RunKeys(run_id).report_json
        if report in keys and self._quotes(report, rows.get(HELD_OUT, set())):
            copies += [("report", report, ()), ("report", RunKeys(run_id).report_markdown, ())]
        record = self._runs.find(run_id)
        kept = None if record is None or record.status == ENDED else f"run {run_id} goes on"
        self.found.copies += [
            Copy(kind=kind, key=key, lines=lines, run_id=run_id, kept=kept) for kind, key, lines in copies
        ]
        if record is not None:
            for split, use in record.datasets.items():
                in_data[use.sha256] |= {row + 1 for row in rows.get(split, ())}
            if record.trains_on in rows and record.model_arn is not None:
                self.found.models.append(self._learned(record, record.model_arn))

    def _learned(self, record: RunRecord, arn: str) -> Learned:
        line = str(record.recipe.get("line", ""))
        live = record.release is not None and (release_store(self._environment).current(line).release == record.release)
        return Learned(arn=arn, run_id=record.run_id, line=line, release=record.release, live=live)

    def _rollouts(self, key: str, rows: Container[int]) -> tuple[int, ...]:
        """Return the lines of a shard's object that hold completions of some rows."""
        with self._noting(key):
            completions = enumerate(decode_graded(self._read(key)), 1)
            return tuple(line for line, completion in completions if completion.row in rows)
        return ()

    def _quotes(self, key: str, rows: Container[int]) -> bool:
        """Whether a report quotes one of some held-out rows."""
        with self._noting(key):
            return any(example.row in rows for example in decode_report(self._read(key)).examples)
        return False

    def _certificates(self, wanted: Wanted, in_data: Mapping[str, set[int]]) -> None:
        for key in self._keys[CERTIFICATES]:
            named = _CERTIFICATE.fullmatch(key)
            with self._noting(key):
                if named is not None and named[1] in in_data:
                    certificate = decode_certificate(self._read(key))
                    findings = [one for check in certificate.checks for one in check.findings] if certificate else []
                    if any(one.completion is not None and one.row in in_data[named[1]] for one in findings):
                        self.found.copies.append(Copy(kind="certificate", key=key))
                elif key.endswith("/cases.json"):
                    cases = read_cases(self._read(key)).cases
                    rows = [(case.number, msgspec.convert(case.row.fields, Row)) for case in cases]
                    if numbers := tuple(number for number, row in rows if wanted.is_in(row)):
                        self.found.copies.append(Copy(kind="cases", key=key, lines=numbers))

    @contextmanager
    def _noting(self, key: str) -> Iterator[None]:
        """Note that an object is not of the form that it should have, and go on."""
        try:
            yield
        except (msgspec.MsgspecError, ValueError, EOFError, OSError, zlib.error) as error:
            self.found.unread.append(f"{key}: {error}")

    def _lines(self, key: str, wanted: Wanted) -> tuple[int, ...]:
        return tuple(line for line, row in self.rows(key) if wanted.is_in(row))

    def rows(self, key: str) -> Iterator[tuple[int, Row]]:
        """Yield line numbers and rows of an object; what cannot be read is noted."""
        self._count()
        bad = 0
        try:
            for number, line in self._row_lines(key):
                if not line.strip():
                    continue
                try:
                    yield number, _ROW.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    bad += 1
        except (DamagedGzip, NotAShard) as error:
            self.found.unread.append(f"{key}: {error}")
        if bad:
            self.found.unread.append(f"{key}: {bad:,} lines are no rows")

    def _row_lines(self, key: str) -> Iterator[tuple[int, bytes]]:
        lines, _ = open_lines(self._bucket.open(key))
        if not key.startswith(LOG_SAMPLES):
            yield from enumerate(lines, 1)
            return
        next(lines, None)  # the header, which holds no text
        for number, (_, _, row) in enumerate(shard_entries(lines), 2):
            yield number, row

    def _read(self, key: str) -> bytes:
        self._count()
        return self._bucket.read(key)

    def _count(self) -> None:
        self.found.looked_at += 1
        if self.found.looked_at % 20 == 0:
            self._tell(f"{self.found.looked_at:,} objects, {len(self.found.copies)} hold it")


def _row_number(row: Row, line: int) -> int:
    """Return which row of its dataset a frozen row is, from 0."""
    mark = RolloutMark.from_json(msgspec.json.decode(row.rft)) if row.rft else None
    return line - 1 if mark is None else mark.row
