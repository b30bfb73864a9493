"""Judges: what calibration finds on PandaLM's human labels, and what the grader costs beside the model's own time.

PandaLM's test set (999 pairs, three annotators each, and GPT-3.5's verdicts on them) is read from
`$RFT_BENCHMARK_DATA/pandalm`; without it, that part is skipped. The
judge that is calibrated is the embedded AWS's stand-in: its figures say what the statistics see of a judge whose noise
and biases are known, and nothing about a model.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from benchmarks.public_data import public_file
from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.judge_settings import JudgeSettings
from rft_local.bedrock.judge_stand_in import NAME, JudgeStandIn
from rft_local.bedrock.requests import Converse
from rft_rewards.judge import judge
from rft_rewards.judge_question import Answer, Question
from rft_rewards.sample import Sample
from rft_runtime.bedrock_judge import read_response, request
from rft_runtime.calibration import Calibration, Estimate
from rft_runtime.judge_calibration import calibrate
from rft_runtime.labelled import LabelledPair, read_labelled
from rft_runtime.rank_statistics import bootstrap_interval_of, weighted_kappa

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks judge_calibration"

_OPTIONS = {"model": "openai.gpt-oss-120b-1:0", "rubric": "instruction_following"}
_SETTINGS = {
    "quiet": JudgeSettings(noise=0.0),
    "noise_10_percent": JudgeSettings(noise=0.1),
    "verbosity_bias_40_percent": JudgeSettings(noise=0.02, verbosity_bias=0.4),
    "position_bias_20_percent": JudgeSettings(noise=0.02, position_bias=0.2),
}
_VERDICTS = {"1": 1, "2": -1, "Tie": 0}
_STARTS = 7
_SAMPLES = 2_000


class InProcess:
    """The judge stand-in without a network."""

    def __init__(self, settings: JudgeSettings) -> None:
        self._stand_in = JudgeStandIn(settings)

    def ask(self, questions: Sequence[Question], /) -> list[Answer]:
        """Answer each question as the endpoint does."""
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        judgement = self._stand_in.answer(msgspec.convert(request(question), Converse))
        fields = {"additionalModelResponseFields": {"standIn": NAME}}
        return read_response({"output": {"message": {"content": judgement.content}}, **fields})


class Instant:
    """A judge that answers at once."""

    def ask(self, questions: Sequence[Question], /) -> list[Answer]:
        """Answer 7 to each."""
        return [Answer(text='{"reason": "", "grade": 7}')] * len(questions)


def measure() -> JsonObject:
    """Calibrate on PandaLM; grade with a judge that takes no time; start the modules."""
    return {
        "pandalm": _pandalm(),
        "samples_per_second_beside_the_model": round(_rate()),
        "start_above_bare_python_ms": _starts(),
    }


def _pandalm() -> JsonValue:
    """Return what people, GPT-3.5 and the stand-in agree on."""
    labels, others = (public_file(f"pandalm/{name}") for name in ("testset-v1.json", "gpt-3.5-turbo-testset-v1.json"))
    if labels is None or others is None:
        return None
    body = labels.read_bytes()
    pairs = [one for one in read_labelled(body.decode()) if isinstance(one, LabelledPair)]
    began = time.perf_counter()
    judges: JsonObject = {}
    for name, settings in _SETTINGS.items():
        found = calibrate(InProcess(settings), pairs, _OPTIONS, labels_sha256=sha256(body).hexdigest())
        judges[name] = _figures(found)
    seconds = (time.perf_counter() - began) / len(_SETTINGS)
    verdicts = json.loads(others.read_text())
    return {
        "pairs": len(pairs),
        "seconds_a_calibration": round(seconds, 1),
        "weighted_kappa_with_the_majority": {
            "gpt_3_5": _kappa([_VERDICTS.get(row["gpt_result"], 0) for row in verdicts], pairs),
            "one_annotator_with_the_two_others": _one_annotator(json.loads(body)),
        },
        "stand_in": judges,
    }


def _figures(found: Calibration) -> JsonObject:
    return {
        "agreement": _shown(found.agreement),
        "length": _shown(found.length),
        "same_share": found.same_share,
        "constant_share": found.constant_share,
        "retest_spread_grades": found.retest_spread,
        "verbosity_bias": _shown(found.verbosity_bias),
        "position_bias_grades": None if found.position_bias is None else _shown(found.position_bias),
        "verdict": found.verdict.value,
    }


def _kappa(verdicts: Sequence[int], pairs: Sequence[LabelledPair]) -> JsonValue:
    rows = list(zip(verdicts, [pair.label for pair in pairs], strict=True))
    interval = bootstrap_interval_of(rows, lambda drawn: weighted_kappa(*map(list, zip(*drawn, strict=True))))
    value = weighted_kappa([one for one, _ in rows], [other for _, other in rows])
    return _shown(Estimate(value=value, low=interval.low, high=interval.high))


def _one_annotator(rows: Sequence[dict[str, int]]) -> float:
    """Return the agreement of the first annotator with the others, where these agree."""
    signs = {0: 0, 1: 1, 2: -1}
    agreed = [row for row in rows if row["annotator2"] == row["annotator3"]]
    first, others = ([signs[row[name]] for row in agreed] for name in ("annotator1", "annotator2"))
    return round(weighted_kappa(first, others), 3)


def _shown(estimate: Estimate) -> JsonValue:
    return [round(value, 3) for value in (estimate.value, estimate.low, estimate.high)]


def _rate() -> float:
    """Return graded samples a second with a judge that takes no time, best of three."""
    grader = judge(judge=Instant(), model=_OPTIONS["model"], rubric=_OPTIONS["rubric"])
    prompt: list[JsonValue] = [{"role": "user", "content": "Explain tides to a child. " * 20}]
    samples = [Sample(f"answer {number}. " * 60, None, prompt) for number in range(_SAMPLES)]

    def seconds() -> float:
        started = time.perf_counter()
        grader.grade_all(samples)
        return time.perf_counter() - started

    return _SAMPLES / min(seconds() for _ in range(3))


def _starts() -> JsonObject:
    """Return the median time to import what a judge reward needs, in milliseconds above an empty program."""
    programs = {
        "": "pass",
        "grader": "import rft_rewards.judge",
        "grader_and_client_maker": "import rft_rewards.judge, rft_runtime.bedrock_judge",
        "with_a_bedrock_client": "import rft_rewards.judge, rft_runtime.bedrock_judge as judge; "
        "judge.runtime_client(60)",
    }
    medians = {name: statistics.median(_start(program) for _ in range(_STARTS)) for name, program in programs.items()}
    return {name: round((medians[name] - medians[""]) * 1000) for name in programs if name}


def _start(program: str) -> float:
    """Return how long a fresh interpreter takes for a program, in seconds."""
    variables = {**os.environ, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=variables)
    return time.perf_counter() - started
