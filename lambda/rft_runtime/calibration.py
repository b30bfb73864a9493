"""The file that says how far a judge's grades can be trusted, and for which rewards it says so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from rft_contract.json_value import JsonValue
from rft_rewards.judge_prompt import JudgePrompt
from rft_runtime.certificate import Check, Verdict

SCHEMA_VERSION = 1
"""Version of the file's form."""

_PROMPT_OPTIONS = ("model", "rubric", "samples", "temperature", "max_tokens")


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its 95 % bootstrap interval over items.

    Args:
        value: The number.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What people's labels say about a judge.

    Args:
        model: Id of the model or inference profile.
        samples: How often the judge was asked for one grade.
        prompt_sha256: Of the prompt file.
        rubric_sha256: Of the rubric and its scale.
        model_sha256: Of the model's id and how it is made to answer.
        labels_sha256: Of the labelled data.
        labelled: `items` or `pairs`.
        count: How many of them were compared.
        ungraded: Completions that the judge did not grade, or not readably.
        statistic: `spearman` of grades and labels, or the quadratic `weighted_kappa` of which of two is better.
        agreement: The judge's.
        constant: What a judge gets that always says the same.
        length: What a judge gets that looks at length alone, the longer or the shorter being better, whichever agrees
            more.
        same_share: Of the pairs, those on which the judge says what people say. None for items.
        constant_share: Of the pairs, those on which the best constant does. None for items.
        retest_spread: Standard deviation of a grade when the same is asked again, in grades, rounded up.
        verbosity_bias: Rank correlation of grade and length that the labels do not explain.
        position_bias: By how many grades a completion does better when it is shown first of two. None for items. It is
            the model's; a reward shows one completion, which has no place.
        tokens_in: Tokens read by all requests.
        tokens_out: Tokens written.
        stand_in: What answered in the model's place; all this then holds in the embedded AWS alone. None: the model.
        made: When, UTC.
        verdict: PASSED when the agreement's lower end lies above what constant and length get, and nearly all was
            graded.
        reason: The verdict in one line.
        schema_version: Of this form.
    """

    model: str
    samples: int
    prompt_sha256: str
    rubric_sha256: str
    model_sha256: str
    labels_sha256: str
    labelled: str
    count: int
    ungraded: int
    statistic: str
    agreement: Estimate
    constant: float
    length: Estimate
    same_share: float | None
    constant_share: float | None
    retest_spread: float
    verbosity_bias: Estimate
    position_bias: Estimate | None
    tokens_in: int
    tokens_out: int
    stand_in: str | None
    made: datetime
    verdict: Verdict
    reason: str
    schema_version: int = SCHEMA_VERSION

    def objection(self, options: Mapping[str, Any], *, is_local: bool) -> str | None:
        """Return why this says nothing good of a reward, in one line; None when it does.

        Args:
            options: The reward's options of `judge` or `verified_judge`.
            is_local: Whether the reward runs in the embedded AWS.

        Raises:
            ValueError: When the options are not those of such a grader.
        """
        hashes = prompt_of(options).hashes()
        for what, own in (("prompt", self.prompt_sha256), ("rubric", self.rubric_sha256), ("model", self.model_sha256)):
            if hashes[f"{what}_sha256"] != own:
                return f"the calibration is of another {what}"
        samples, spread = options.get("samples", 1), options.get("retest_spread", 0.0)
        if samples != self.samples:
            return f"the calibration is of {self.samples} samples a grade, the reward asks for {samples}"
        if max(1.0, spread) < self.retest_spread:
            return f"retest_spread: got {spread:g}, the judge's own is {self.retest_spread:g}"
        if self.stand_in is not None and not is_local:
            return f"the calibration was made with {self.stand_in} and holds in the embedded AWS alone"
        return None if self.verdict is Verdict.PASSED else self.reason


def prompt_of(options: Mapping[str, Any]) -> JudgePrompt:
    """Return what a reward's judge is told.

    Args:
        options: Of `judge` or `verified_judge`.

    Raises:
        ValueError: When the options are not those of such a grader.
    """
    given = {name: options[name] for name in _PROMPT_OPTIONS if name in options}
    given.setdefault("rubric", "reasoning")
    try:
        return JudgePrompt.from_options(**given)
    except TypeError as error:
        raise ValueError(f"judge: {error}") from None


def calibration_check(calibration: Calibration | None, options: Mapping[str, JsonValue], *, is_local: bool) -> Check:
    """Return what a certificate says about a reward's judge.

    Args:
        calibration: The judge's. None: there is none.
        options: The reward's.
        is_local: Whether the reward runs in the embedded AWS.
    """
    if calibration is None:
        words = "the judge was not calibrated: `rft judge calibrate` compares it with labels"
        return Check(name="calibration", verdict=Verdict.INCOMPLETE, summary=words)
    objection = calibration.objection(options, is_local=is_local)
    return Check(
        name="calibration",
        verdict=Verdict.PASSED if objection is None else Verdict.FAILED,
        summary=objection or calibration.reason,
        tried=calibration.count,
        failed=0 if objection is None else 1,
    )


def encode_calibration(calibration: Calibration) -> bytes:
    """Return the calibration's file."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=2) + b"\n"


def decode_calibration(body: bytes) -> Calibration | None:
    """Read a calibration's file; None when it is of another schema."""
    try:
        found = msgspec.json.decode(body, type=Calibration)
    except msgspec.DecodeError:
        return None
    return found if found.schema_version == SCHEMA_VERSION else None
