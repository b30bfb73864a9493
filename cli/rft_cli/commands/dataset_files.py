"""`rft dataset split`, `convert` and `from-trajectories`: dataset files made of other files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from rft_cli.commands.options import Json
from rft_cli.console import out, print_json, progress, say

if TYPE_CHECKING:
    from rft_cli.row_file import RowFile

Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def split(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rows, JSON Lines, plain or gzip.", show_default=False)],
    validation: Annotated[
        str, typer.Option(metavar="SIZE", help="A share such as 0.1, a number of rows such as 200, or 0 for none.")
    ] = "0.1",
    held_out: Annotated[str, typer.Option("--held-out", metavar="SIZE", help="Likewise.")] = "0.1",
    by: Annotated[
        str,
        typer.Option(
            metavar="FIELD",
            help="Rows that share the value of this field stay together, such as task_id or metadata.source; rows that"
            " share `group` do anyway. `none`: groups may be split.",
        ),
    ] = "group",
    stratify: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="Every value of this field gets its share of every split; implies --exact."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Meet the sizes exactly; rows added later may then move older ones.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another seed splits in another way.")] = 0,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the files go; FILE's name with -split unless given.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Split rows into train.jsonl, validation.jsonl and held_out.jsonl, without leaks.

    Rows of one group, of one id, and with the same or a similar prompt stay together, so that `rft validate` finds no
    leak. Where a group goes depends on the seed and on its name alone: rows added behind move no older ones, except
    where they show that two groups are one. So sizes are near to what was asked for; with --exact they are met, and
    added rows may move others.
    """
    from rft_cli.dataset_split import split_file
    from rft_cli.log_source import telling
    from rft_dataset.splitting import SplitSizes

    sizes = SplitSizes(validation=_size("--validation", validation), held_out=_size("--held-out", held_out))
    folder = output or file.parent / f"{_stem(file)}-split"
    with progress("splitting") as tell:
        made = split_file(
            file,
            folder,
            sizes=sizes,
            by=None if by == "none" else by,
            stratify=stratify,
            seed=seed,
            exact=exact,
            force=force,
            tell=telling(tell),
        )
    for warning in made.warnings:
        say(f"warning: {warning}")
    if json:
        print_json(made)
        return
    _print(f"{made.rows:,} rows in {made.groups:,} groups that stay together")
    for field, rows in made.grouped_by.items():
        _print(f"  by {field}: {rows:,} rows have it")
    _print(f"  by prompt: {made.alike:,} rows say the same as another, or nearly")
    for name, written in made.splits.items():
        _print(f"{name}: {written.rows:,} rows ({written.rows / made.rows:.1%}) in {written.file}")
    given = {"validation": "--validation", "held_out": "--held-out"}
    others = " ".join(f"{given[name]} {made.splits[name].file}" for name in made.splits if name in given)
    _print(f"next: rft validate {made.splits['train'].file} {others}".rstrip())


class Form(StrEnum):
    """What `rft dataset convert` reads."""

    GSM8K = "gsm8k"
    CSV = "csv"
    OPENAI = "openai"


_READ = {
    Form.GSM8K: {"--system", "--instruction"},
    Form.CSV: {
        "--system",
        "--prompt",
        "--template",
        "--reference",
        "--id",
        "--group",
        "--keep",
        "--typed",
        "--delimiter",
    },
    Form.OPENAI: {"--reference", "--cut-answers"},
}

Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The file to write; FILE's name with .rft.jsonl unless given.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave bad records out; else nothing is written when there are any.")
]
System = Annotated[str | None, typer.Option(metavar="TEXT", help="gsm8k, csv: text of a system turn.")]


def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Plain or gzip.", show_default=False)],
    form: Annotated[Form, typer.Option("--from", help="What FILE is.", show_default=False)],
    output: Output = None,
    system: System = None,
    instruction: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="gsm8k: added to each question; unless given, AWS's request for a final answer after ####.",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[str | None, typer.Option(metavar="COLUMN", help="csv: what the user asks.")] = None,
    template: Annotated[
        str | None, typer.Option(metavar="TEXT", help="csv: what the user asks, such as 'Classify: {text}'.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="csv: column of the reference answer; repeated: an object of several. openai: field of it, such as"
            " answer or item.reference.value; reference_answer unless given.",
        ),
    ] = None,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="csv: column of ids.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="csv: column of what rows of one source share.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="csv: column that rewards get too. Repeated.")
    ] = None,
    typed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="csv: column of JSON (a number, true, an object); others are texts. Repeated."
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="CHARACTER", help="csv: between fields; unless given a tab for .tsv and else a comma."),
    ] = None,
    cut_answers: Annotated[
        bool,
        typer.Option(
            "--cut-answers",
            help="openai: cut a last assistant turn off; it is the reference answer of a row without one.",
        ),
    ] = False,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Make rows for Bedrock RFT of GSM8K, of a table, or of OpenAI's RFT rows.

    What is written passes `rft validate`. Exit code 1: bad records, which are listed; nothing is written then, unless
    --skip-bad leaves them out.
    """
    from rft_cli.log_source import telling
    from rft_cli.row_file import write_rows
    from rft_dataset.conversion.gsm8k import INSTRUCTION, Gsm8k
    from rft_dataset.conversion.openai_chat import OpenAiChat
    from rft_dataset.conversion.record import Record, convert_records
    from rft_dataset.conversion.table import Columns, Template, read_table

    given = {
        "--system": system,
        "--instruction": instruction,
        "--prompt": prompt,
        "--template": template,
        "--reference": reference,
        "--id": id,
        "--group": group,
        "--keep": keep,
        "--typed": typed,
        "--delimiter": delimiter,
        "--cut-answers": cut_answers or None,
    }
    for option, value in given.items():
        if value is not None and option not in _READ[form]:
            raise typer.BadParameter(f"{option}: not read with --from {form.value}")
    references = reference or []
    read: Callable[[BinaryIO], Iterator[Record]]
    if form is Form.CSV:
        if (prompt is None) == (template is None) or not references:
            raise typer.BadParameter("--from csv wants --reference, and one of --prompt and --template")
        columns = Columns(
            prompt=Template.parse(template) if template is not None else Template.of_column(prompt or ""),
            reference=references,
            system=system,
            id=id,
            group=group,
            keep=keep or (),
            typed=typed or (),
        )
        read = partial(read_table, columns=columns, delimiter=_delimiter(delimiter, file))
    elif form is Form.GSM8K:
        asked = INSTRUCTION if instruction is None else instruction
        read = partial(convert_records, conversion=Gsm8k(name=_stem(file), system=system, instruction=asked))
    else:
        if len(references) > 1:
            raise typer.BadParameter("--from openai wants one --reference")
        rows = OpenAiChat(reference=references[0] if references else None, cut_answers=cut_answers)
        read = partial(convert_records, conversion=rows)
    path = output or file.parent / f"{_stem(file)}.rft.jsonl"
    with progress("converting") as tell, _bad_records_shown(file, json):
        made = write_rows(file, path, read, skip_bad=skip_bad, force=force, tell=telling(tell))
    if json:
        print_json(made)
    else:
        _print_written(file, made)


def from_trajectories(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Runs, one JSON object a line, plain or gzip.", show_default=False),
    ],
    output: Annotated[
        Path, typer.Option(metavar="FILE", help="The file to write.", show_default=False, dir_okay=False)
    ],
    id: Annotated[str, typer.Option(metavar="FIELD", help="Of a run; its rows share it as their group.")] = "id",
    only_successful: Annotated[
        bool, typer.Option("--only-successful", help="Leave out runs that did not reach their goal.")
    ] = False,
    success: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD", help="What says so, by true or a number from 1; success or else reward unless given."
        ),
    ] = None,
    last: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the last N steps of each run.", show_default=False)
    ] = None,
    calls_only: Annotated[
        bool, typer.Option("--calls-only", help="Leave out steps that call no tool, such as final answers.")
    ] = False,
    longest_result: Annotated[
        int | None,
        typer.Option(
            metavar="CHARACTERS",
            min=1,
            help="Cut longer results of tools in the prompts, and keep their two ends; nothing is cut unless given.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Of a run, that rewards get too. Repeated.")
    ] = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Make a row of each step of an agent's recorded runs: the turns before it, and what the agent did next.

    A run has `messages` in OpenAI's or Converse's form, with its tools, and may have id, success or reward. The service
    runs no tool and generates one turn a row, so a step is learned by itself, after what the tools really returned;
    the grader `tool_calls` compares the calls. An empty result of a tool is written as "(no output)".
    """
    from rft_cli.log_source import telling
    from rft_cli.trajectories import write_steps
    from rft_dataset.conversion.trajectory import Trajectories

    trajectories = Trajectories(
        name=_stem(file),
        id=id,
        last=last,
        calls_only=calls_only,
        longest_result=longest_result,
        keep=tuple(keep or ()),
    )
    with progress("reading runs") as tell, _bad_records_shown(file, json):
        made = write_steps(
            file,
            output,
            trajectories,
            only_successful=only_successful,
            success=success,
            skip_bad=skip_bad,
            force=force,
            tell=telling(tell),
        )
    if json:
        print_json(made)
        return
    read = made.read
    left_out = f"; {read.unsuccessful:,} unsuccessful ones left out" if read.unsuccessful else ""
    _print(f"{read.runs:,} runs{left_out}")
    _print(f"{read.parallel:,} steps call several tools, {read.answers:,} none")
    if read.results_cut:
        _print(f"{read.results_cut:,} results of tools cut")
    _print_written(file, made.written)


def _size(option: str, text: str) -> float | int:
    """Return the share or the number of rows that an option says."""
    try:
        size: float | int = int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        size = -1
    if (isinstance(size, float) and not 0 < size < 1) or size < 0:
        raise typer.BadParameter(f"{option}: got {text}, wanted a share such as 0.1 or a number of rows such as 200")
    return size


def _print(line: str) -> None:
    """Print a line of an answer as it is."""
    out().print(line, markup=False, soft_wrap=True)


def _stem(file: Path) -> str:
    """Return a file's name without its ending, of two without .gz."""
    return Path(file.name.removesuffix(".gz")).stem


def _delimiter(given: str | None, file: Path) -> str:
    """Return what separates a table's fields."""
    if given is None:
        return "\t" if ".tsv" in file.suffixes else ","
    if len(given) != 1 or given in '"\r\n':
        raise typer.BadParameter(f"--delimiter: got {given!r}, wanted one character that is no quotation mark")
    return given


def _print_written(source: Path, made: "RowFile") -> None:
    """Print what was written, and what was left out."""
    for bad in _shown(source, made):
        say(bad)
    left_out = f"; {made.bad:,} bad records left out" if made.bad else ""
    _print(f"{made.rows:,} rows in {made.file}{left_out}")
    tokens = f"{made.fewest_tokens:,} to {made.most_tokens:,} tokens"
    _print(f"the longest prompt has {tokens}, estimated; Bedrock drops prompts beyond maxPromptLength")
    _print(f"next: rft validate {made.file}")


def _shown(source: Path, made: "RowFile") -> "Iterator[str]":
    """Yield a line for each bad record that is kept, and one for the others."""
    for bad in made.first_bad:
        yield f"{source}:{bad.line}: {bad.why}"
    if made.bad > len(made.first_bad):
        yield f"and {made.bad - len(made.first_bad):,} more"


@contextmanager
def _bad_records_shown(source: Path, json: bool) -> Iterator[None]:
    """Show the bad records that let nothing be written."""
    from rft_cli.row_file import BadRecords

    try:
        yield
    except BadRecords as error:
        if json:
            print_json({"error": str(error), "bad": error.made.bad, "first_bad": error.made.first_bad})
        else:
            for bad in _shown(source, error.made):
                say(bad)
        raise
