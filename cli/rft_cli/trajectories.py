"""Rows of Bedrock RFT, made of recorded runs of an agent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rft_cli.row_file import RowFile, write_rows
from rft_dataset.conversion.record import Record, Unconvertible, read_records
from rft_dataset.conversion.trajectory import Step, Trajectories, was_successful
from rft_rewards.grade import Grader, Invalid
from rft_rewards.sample import Sample
from rft_rewards.tool_calls import tool_calls


@dataclass
class Runs:
    """What was read of recorded runs.

    Args:
        runs: Runs of which rows were made.
        unsuccessful: Runs that were left out because they did not reach their goal.
        answers: Steps that call no tool.
        parallel: Steps that call several.
        results_cut: Results of tools that were cut.
    """

    runs: int = 0
    unsuccessful: int = 0
    answers: int = 0
    parallel: int = 0
    results_cut: int = 0

    def add(self, steps: Sequence[Step]) -> None:
        """Count a run's steps."""
        self.runs += bool(steps)
        self.answers += sum(not step.calls for step in steps)
        self.parallel += sum(len(step.calls) > 1 for step in steps)
        self.results_cut += max((step.cut for step in steps), default=0)  # a prompt has what earlier ones have


@dataclass(frozen=True)
class StepFile:
    """A file of rows that was made of recorded runs.

    Args:
        written: The file.
        read: What it was made of.
    """

    written: RowFile
    read: Runs


def write_steps(
    source: Path,
    output: Path,
    trajectories: Trajectories,
    *,
    only_successful: bool,
    success: str | None,
    skip_bad: bool,
    force: bool,
    tell: Callable[[str], None],
) -> StepFile:
    """Write a row for each step of recorded runs.

    Each row is graded with its own step by the grader `tool_calls`; what does not get the full score is a bad record.

    Args:
        source: Runs, one a line, plain or gzip.
        output: The file to write.
        trajectories: How runs become rows.
        only_successful: Whether runs are left out that did not reach their goal.
        success: Path of the field that says so; None: `success`, or else `reward`.
        skip_bad: Whether bad runs and steps are left out.
        force: Whether a file that exists is replaced.
        tell: Told what is being done.

    Raises:
        CliError: As `write_rows`, and when the file cannot be read.
    """
    read = Runs()

    def rows(stream: BinaryIO) -> Iterator[Record]:
        return _rows(stream, trajectories, only_successful=only_successful, success=success, read=read)

    return StepFile(write_rows(source, output, rows, skip_bad=skip_bad, force=force, tell=tell), read)


def _rows(
    stream: BinaryIO, trajectories: Trajectories, *, only_successful: bool, success: str | None, read: Runs
) -> Iterator[Record]:
    """Yield the rows of runs."""
    groups: dict[str, int] = {}
    grade = tool_calls()
    for line, run in read_records(stream):
        try:
            if isinstance(run, Unconvertible):
                raise run
            if only_successful and not was_successful(run, success):
                read.unsuccessful += 1
                continue
            first = groups.setdefault(trajectories.group(line, run), line)
            if first != line:
                raise Unconvertible(f"the id of line {first}")
            steps = [_checked(step, grade) for step in trajectories.steps(line, run)]
        except Unconvertible as error:
            yield line, error
        else:
            read.add([step for step in steps if isinstance(step, Step)])
            yield from ((line, step.row if isinstance(step, Step) else step) for step in steps)


def _checked(step: Step | Unconvertible, grade: Grader) -> Step | Unconvertible:
    """Return a step that gets the full score for itself, or why it does not."""
    if isinstance(step, Unconvertible):
        return step
    graded = grade(Sample(step.text, step.row["reference_answer"], tool_calls=step.calls))
    if isinstance(graded, Invalid):
        return Unconvertible(f"step {step.number}: the grader tool_calls cannot read it: {graded.reason}")
    if graded.value < 1:
        words = f"the grader tool_calls gives it {graded.value:.2f}: {graded.explanation}"
        return Unconvertible(f"step {step.number}: {words}")
    return step
