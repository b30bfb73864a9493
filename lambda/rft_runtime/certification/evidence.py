"""What a reward's author brings to its certificate: cases, and the calibrations of its judges."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_runtime.calibration import Calibration, calibration_check
from rft_runtime.certificate import Check, Verdict
from rft_runtime.certification.cases import Cases

LOCAL = "local"
"""Name of the environment that lies in the embedded AWS, where a judge's stand-in answers."""

_JUDGES = ("judge", "verified_judge")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the author brings.

    Args:
        cases: Completions that are good and bad. None: none.
        calibrations: Of judges.
    """

    cases: Cases | None = None
    calibrations: tuple[Calibration, ...] = ()

    @property
    def sha256(self) -> str | None:
        """Names all of it; None when there is nothing."""
        if self.cases is None and not self.calibrations:
            return None
        cases = "" if self.cases is None else self.cases.sha256
        return hashlib.sha256(cases.encode() + encode_calibrations(self.calibrations)).hexdigest()


NOTHING = Evidence()


def calibration_checks(spec: RewardSpec | None, evidence: Evidence, environment: str) -> list[Check]:
    """Return whether each judge of a reward was compared with people's labels, and agrees with them.

    Args:
        spec: What the reward is made of; its author's own code has no judge that is known.
        evidence: Holds the calibrations.
        environment: Where the reward is deployed.
    """
    if spec is None:
        return []
    is_local = environment == LOCAL
    return [_best(evidence.calibrations, options, is_local) for options in judge_options(spec)]


def judge_options(spec: RewardSpec) -> Iterator[JsonObject]:
    """Yield the options of each judge that a reward asks, in whatever other grader it stands."""
    yield from _within({"grader": spec.grader, "options": spec.options})


def _within(value: JsonValue) -> Iterator[JsonObject]:
    if isinstance(value, dict):
        options = value.get("options")
        if value.get("grader") in _JUDGES and isinstance(options, dict):
            yield options
        for inner in value.values():
            yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)


def _best(calibrations: Sequence[Calibration], options: JsonObject, is_local: bool) -> Check:
    """Return what the fitting calibration says, else the one that fits best by its own account."""
    checks = [calibration_check(calibration, options, is_local=is_local) for calibration in calibrations]
    passed = [check for check in checks if check.verdict is Verdict.PASSED]
    return (passed or checks or [calibration_check(None, options, is_local=is_local)])[0]


def encode_calibrations(calibrations: Sequence[Calibration]) -> bytes:
    """Return the file in which calibrations are kept."""
    return msgspec.json.encode(list(calibrations))


def decode_calibrations(body: bytes) -> tuple[Calibration, ...]:
    """Read that file; nothing of it when its form is another."""
    try:
        return msgspec.json.decode(body, type=tuple[Calibration, ...])
    except msgspec.DecodeError:
        return ()
