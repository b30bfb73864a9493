"""Certificates of rewards that are kept as test data: the broken ones fail for their reason, the others pass."""

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
import pytest

from rft_contract.json_value import canonical
from rft_runtime.certificate import Certificate, Check, Verdict, decode_certificate, encode_certificate
from rft_runtime.certification.cases import read_cases
from rft_runtime.certification.evidence import Evidence, calibration_checks
from rft_runtime.certification.examination import examine
from rft_runtime.certification.grading_calls import RewardRaised
from rft_runtime.certification.row import Row
from rft_runtime.certification.subject import Demands, Subject
from tests.cases.tried_reward import TriedReward

FOLDER = Path(__file__).resolve().parents[1] / "cases"
BROKEN = sorted(path.stem for path in (FOLDER / "broken_rewards").glob("*.py"))
LEGITIMATE = sorted(path.stem for path in (FOLDER / "legitimate_rewards").glob("*.py"))


def load(folder: str, name: str) -> TriedReward:
    found = importlib.util.spec_from_file_location(name, FOLDER / folder / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    tried: TriedReward = module.TRIED
    return tried


@cache
def certificate(folder: str, name: str) -> Certificate:
    tried = load(folder, name)

    def rows() -> Iterator[Row]:
        return (Row(line, row) for line, row in enumerate(tried.rows, 1))

    def call(event: bytes) -> bytes:
        try:
            return tried(event)
        except Exception as error:
            raise RewardRaised(type(error).__name__) from None

    subject = Subject(reward=name, spec=tried.spec, environment="test", reward_hash="a" * 64, code_sha256="b")
    body = canonical([*tried.rows]).encode()
    return examine(
        subject,
        call,
        rows,
        dataset_sha256=hashlib.sha256(body).hexdigest(),
        evidence=evidence_of(tried),
        demands=Demands(sample=30, event_bytes=200_000, timed=tried.timed),
    )


def evidence_of(tried: TriedReward) -> Evidence:
    cases = None if tried.cases is None else read_cases(json.dumps(tried.cases).encode())
    return Evidence(cases, () if tried.calibration is None else (tried.calibration,))


def failed(found: Certificate) -> dict[str, Check]:
    return {check.name: check for check in found.checks if check.verdict is Verdict.FAILED}


def test_there_are_enough_of_both() -> None:
    assert len(BROKEN) >= 20
    assert len(LEGITIMATE) >= 12


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reward_is_rejected_for_its_reason(name: str) -> None:
    tried, found = load("broken_rewards", name), certificate("broken_rewards", name)
    assert found.verdict is Verdict.FAILED
    assert tried.fails in failed(found), {check.name: check.summary for check in failed(found).values()}
    findings = failed(found)[tried.fails].findings
    if tried.probe:
        assert tried.probe in {finding.probe for finding in findings}, findings
    assert name in found.reason()
    assert "\n" not in found.reason()


@pytest.mark.parametrize("name", LEGITIMATE)
def test_a_legitimate_reward_passes(name: str) -> None:
    found = certificate("legitimate_rewards", name)
    assert found.verdict is Verdict.PASSED, [(check.name, check.summary, check.findings[:3]) for check in found.checks]


@pytest.mark.parametrize("name", BROKEN[:3] + LEGITIMATE[:3])
def test_a_certificate_reads_back(name: str) -> None:
    folder = "broken_rewards" if name in BROKEN else "legitimate_rewards"
    found = certificate(folder, name)
    assert decode_certificate(encode_certificate(found)) == found


@pytest.mark.parametrize("name", ["noisy_judge", "judged_reasoning"])
def test_a_judge_is_asked_within_its_budget(name: str) -> None:
    assert 0 < certificate("legitimate_rewards", name).grades <= Demands().budget


def test_a_judge_needs_its_own_calibration() -> None:
    tried = load("legitimate_rewards", "noisy_judge")
    assert tried.spec is not None
    assert tried.calibration is not None
    own = Evidence(calibrations=(tried.calibration,))
    (check,) = calibration_checks(tried.spec, own, "dev")
    assert (check.name, check.verdict) == ("calibration", Verdict.PASSED)
    (check,) = calibration_checks(tried.spec, Evidence(), "dev")
    assert check.verdict is Verdict.INCOMPLETE
    other = Evidence(calibrations=(msgspec.structs.replace(tried.calibration, rubric_sha256="0" * 64),))
    (check,) = calibration_checks(tried.spec, other, "dev")
    assert (check.verdict, check.summary) == (Verdict.FAILED, "the calibration is of another rubric")
    stood_in = Evidence(calibrations=(msgspec.structs.replace(tried.calibration, stand_in="judge stand-in"),))
    assert calibration_checks(tried.spec, stood_in, "local")[0].verdict is Verdict.PASSED
    assert calibration_checks(tried.spec, stood_in, "dev")[0].verdict is Verdict.FAILED
    both = Evidence(calibrations=(*other.calibrations, *own.calibrations))
    assert calibration_checks(tried.spec, both, "dev")[0].verdict is Verdict.PASSED
    nested = replace(tried.spec, grader="compose", options={"graders": {"taste": tried.spec.to_json()}})
    assert calibration_checks(nested, own, "dev")[0].verdict is Verdict.PASSED
    assert calibration_checks(None, own, "dev") == []
    assert len({found.sha256 for found in (Evidence(), own, other, both)}) == 4
