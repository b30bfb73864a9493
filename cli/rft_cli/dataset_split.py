"""One dataset file, split into those of training, validation and the held-out rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.new_file import check_new, new_file
from rft_dataset.reading import DamagedGzip, OverlongLine, open_lines
from rft_dataset.row_groups import SPLITS, RowGroups
from rft_dataset.rules import FEWEST_ROWS
from rft_dataset.splitting import SplitSizes, split
from rft_dataset.validation import Split

_GROUP = "group"
_TELL_EVERY = 10_000


@dataclass(frozen=True, kw_only=True)
class WrittenSplit:
    """One of the files.

    Args:
        file: Its path.
        rows: Its rows.
        groups: Groups of rows in it that stay together; a row of its own counts as one.
    """

    file: str
    rows: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """What was split.

    Args:
        rows: Rows of the file.
        groups: Groups of rows that stayed together; a row of its own counts as one.
        alike: Rows that nothing but their prompt, the same as another's or similar, put into its group.
        grouped_by: Path of a field -> rows that have it.
        splits: What was written.
        warnings: What may be unwanted about it.
    """

    rows: int
    groups: int
    alike: int
    grouped_by: dict[str, int]
    splits: dict[Split, WrittenSplit]
    warnings: list[str]


def split_file(
    file: Path,
    folder: Path,
    *,
    sizes: SplitSizes,
    by: str | None,
    stratify: str | None,
    seed: int,
    exact: bool,
    force: bool,
    tell: Callable[[str], None],
) -> SplitFiles:
    """Split a dataset file; its lines keep their bytes and their order.

    The file is read twice, and no line is held in memory.

    Args:
        file: The file, plain or gzip.
        folder: Where `train.jsonl`, `validation.jsonl` and `held_out.jsonl` are written, those that were asked for.
        sizes: How large the two splits besides training are to be.
        by: Path of a field whose value rows share that stay together, besides `group`; None: not even `group` counts.
        stratify: Path of a field of which each value gets its share of every split.
        seed: Another one splits in another way.
        exact: Whether sizes are met exactly.
        force: Whether files that exist are replaced.
        tell: Told what is being done.

    Raises:
        CliError: When the file cannot be read or holds a line that is no row, nobody has the field, a split would be
            empty, or files exist.
    """
    files: dict[Split, Path] = {name: folder / f"{name}.jsonl" for name in SPLITS}
    for path in files.values():
        check_new(path, source=file, force=force)
    asked: dict[Split, float | int] = {"train": 1, "validation": sizes.validation, "held_out": sizes.held_out}
    wanted = {name: path for name, path in files.items() if asked[name]}
    fields = [] if by is None else [by] if by == _GROUP else [by, _GROUP]
    groups = _groups(file, RowGroups(by=fields, stratify=stratify), tell)
    for field in (by, stratify):
        if field is not None and field != _GROUP and not groups.having[field]:
            raise CliError(f"{file}: no row has the field {field}")
    try:
        found = split(groups, sizes, seed=seed, exact=exact or stratify is not None, tell=tell)
    except ValueError as error:
        raise CliError(f"{file}: {error}") from None
    rows = found.rows()
    for name in wanted:
        if not rows[name]:
            raise CliError(
                f"{file}: {name} would be empty: {rows.total():,} rows in {found.groups.total():,} groups that stay"
                " together; ask for more, try --exact or another --seed"
            )
    tell("writing")
    _write(file, wanted, found.split_of)
    for name in files.keys() - wanted.keys():
        files[name].unlink(missing_ok=True)
    return SplitFiles(
        rows=rows.total(),
        groups=found.groups.total(),
        alike=groups.alike,
        grouped_by={field: groups.having[field] for field in fields},
        splits={
            name: WrittenSplit(file=str(path), rows=rows[name], groups=found.groups[name])
            for name, path in wanted.items()
        },
        warnings=[_too_few(name, rows[name]) for name in wanted if rows[name] < FEWEST_ROWS],
    )


def _too_few(name: Split, rows: int) -> str:
    """Say that a split is small."""
    needs = "Bedrock refuses fewer for training" if name == "train" else "fewer make its results uncertain"
    return f"{name} has {rows:,} rows, wanted {FEWEST_ROWS} at least: {needs}"


def _groups(file: Path, groups: RowGroups, tell: Callable[[str], None]) -> RowGroups:
    """Read a file's rows into groups."""
    for number, line in enumerate(_lines(file), 1):
        try:
            groups.see(line)
        except ValueError as error:
            raise CliError(f"{file}:{number}: {error}; `rft validate {file}` says what is wrong") from None
        if number % _TELL_EVERY == 0:
            tell(f"{number:,} rows read")
    if not len(groups):
        raise CliError(f"{file}: no rows")
    return groups


def _write(file: Path, wanted: dict[Split, Path], split_of: Sequence[Split]) -> None:
    """Write each line into the file of its split."""
    with ExitStack() as opened:
        files = {name: opened.enter_context(new_file(path)) for name, path in wanted.items()}
        rows = 0
        for rows, line in enumerate(_lines(file), 1):
            if rows > len(split_of):
                break
            files[split_of[rows - 1]].write(line + b"\n")
        if rows != len(split_of):
            raise CliError(f"{file}: changed while it was read; nothing was written")


def _lines(file: Path) -> Iterator[bytes]:
    """Yield a file's lines."""
    try:
        with file.open("rb") as stream:
            lines, _ = open_lines(stream)
            for number, line in enumerate(lines, 1):
                if isinstance(line, OverlongLine):
                    raise CliError(f"{file}:{number}: longer than any row may be")
                yield line
    except DamagedGzip as error:
        raise CliError(f"{file}: damaged gzip: {error}") from None
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or error}") from None
