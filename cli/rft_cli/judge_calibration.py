"""Calibrating a judge from this machine: labelled data in, the calibration's file out."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rft_cli.cli_error import CliError
from rft_cli.environment import LOCAL, Aws, local_aws, real_aws
from rft_contract.naming import check_environment
from rft_rewards.deadline import Deadline
from rft_rewards.judge_question import Answer, Question, Refusal
from rft_runtime.bedrock_judge import BedrockJudge, client_config
from rft_runtime.calibration import Calibration, encode_calibration
from rft_runtime.judge_calibration import Labelled, calibrate
from rft_runtime.labelled import LabelledPair, read_labelled

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

_EVENT_SECONDS = 300.0


class PatientJudge:
    """A judge that gets five minutes for each event's questions, as in a reward function.

    Args:
        aws: Where it answers.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._deadline = Deadline(_EVENT_SECONDS)
        self._judge = BedrockJudge(self._deadline, make_client=self._client)

    def ask(self, questions: Sequence[Question], /) -> list[Answer | Refusal]:
        """Return what came back for each question."""
        self._deadline.restart(_EVENT_SECONDS)
        return self._judge.ask(questions)

    def _client(self, wait_seconds: int) -> "BedrockRuntimeClient":
        config = client_config(wait_seconds)
        merged = config.merge(self._aws.config) if self._aws.config else config
        return self._aws.session.client("bedrock-runtime", endpoint_url=self._aws.endpoint, config=merged)


def calibrate_file(
    env: str | None,
    path: Path,
    options: dict[str, Any],
    *,
    repeats: int,
    limit: int | None,
    out: Path,
    tell: Callable[[str], None],
) -> Calibration:
    """Calibrate a judge on a file of labelled completions and write the calibration.

    Args:
        env: The environment whose Bedrock is asked. None: `local`.
        path: The labelled data.
        options: Of the grader `judge`; a rubric may be the path of a text file.
        repeats: How often each completion is graded.
        limit: Rows to use, evenly spaced. None: all.
        out: Where the calibration goes.
        tell: Told what is being done.

    Raises:
        CliError: When a file cannot be read.
        ValueError: When an option, the data or the judge is of no use.
    """
    body = _read(path)
    labelled = _spaced(read_labelled(body.decode(errors="replace")), limit)
    options = {**options, "rubric": _rubric(options["rubric"])}
    aws = local_aws() if check_environment(env or LOCAL) == LOCAL else real_aws()
    tell(f"{_requests(labelled, repeats, options.get('samples', 1)):,} requests to {options['model']}")
    found = calibrate(
        PatientJudge(aws), labelled, options, labels_sha256=sha256(body).hexdigest(), repeats=repeats, tell=tell
    )
    out.write_bytes(encode_calibration(found))
    return found


def _requests(labelled: Labelled, repeats: int, samples: int) -> int:
    """Return how many requests a calibration makes at most; equal completions share theirs."""
    pairs = sum(isinstance(one, LabelledPair) for one in labelled)
    return (len(labelled) + pairs) * repeats * samples + 2 * pairs


def _spaced(labelled: Labelled, limit: int | None) -> Labelled:
    """Return at most so many rows, evenly spaced over the file."""
    count = len(labelled)
    if limit is None or limit >= count:
        return labelled
    kept = {number * count // limit for number in range(limit)}
    return [one for number, one in enumerate(labelled) if number in kept]  # type: ignore[return-value]  # of one kind


def _rubric(rubric: str) -> str:
    """Return a rubric's text when it names a file, else the rubric as it is."""
    path = Path(rubric)
    return _read(path).decode(errors="replace") if path.suffix or len(path.parts) > 1 else rubric


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
