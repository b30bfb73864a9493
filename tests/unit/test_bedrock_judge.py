"""The judge stand-in of the embedded AWS, asked over HTTP as the reward function asks."""

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from rft_contract.reward_spec import RewardSpec
from rft_local.bedrock.judge_settings import JudgeSettings
from rft_local.bedrock.judge_stand_in import NAME, JudgeStandIn, quality
from rft_local.bedrock.requests import Converse, InferenceParameters, Text, Turn
from rft_local.bedrock.service_error import ServiceError
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.judge import STAND_IN, judge
from rft_rewards.judge_prompt import JudgePrompt, read_grades
from rft_rewards.judge_question import Answer, Question
from rft_rewards.rubric import read_rubric
from rft_rewards.sample import Sample
from rft_runtime.bedrock_judge import BedrockJudge, request
from rft_runtime.grading import TransientFailure, grade_batch
from tests.unit.bedrock_bench import Bench, bench

GPT = "openai.gpt-oss-120b-1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
JUDGES = [GPT, NOVA, "global.amazon.nova-2-lite-v1:0", f"arn:aws:bedrock:us-east-1::foundation-model/{GPT}"]
PROMPT: list[Any] = [{"role": "user", "content": "Name the capital of France and its river."}]
GOLD = "The capital of France is Paris, on the river Seine."
QUIET = JudgeSettings(noise=0.0)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("state"), judge=QUIET) as served:
        yield served


def graded(bed: Bench, completions: Sequence[str], model: str = GPT) -> list[Grade]:
    asking = BedrockJudge(Deadline(60), make_client=lambda wait: bed.runtime)
    grader = judge(judge=asking, model=model, rubric="instruction_following")
    return list(grader.grade_all([Sample(text, GOLD, PROMPT) for text in completions]))


def question(model: str = GPT, answer: str = GOLD) -> Question:
    prompt = JudgePrompt(rubric=read_rubric("instruction_following"), model=model, temperature=0.0, max_tokens=256)
    return prompt.question("Name the capital of France and its river.", answer, GOLD)


def pair(first: str, second: str) -> Question:
    prompt = JudgePrompt(rubric=read_rubric("instruction_following"), model=GPT, temperature=0.0, max_tokens=256)
    return prompt.pair_question("Name the capital of France and its river.", first, second)


def asked(question: Question) -> Converse:
    """The request as the endpoint reads it."""
    return msgspec.convert(request(question), Converse)


def grades(stand_in: JudgeStandIn, question: Question, times: int) -> list[tuple[int, ...]]:
    texts = [stand_in.answer(asked(question)).content for _ in range(times)]
    found = [read_grades(str(content[0]["text"]), question) for content in texts if isinstance(content[0], dict)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("model", JUDGES)
def test_every_judge_model_grades_and_says_that_it_is_a_stand_in(bed: Bench, model: str) -> None:
    grade = graded(bed, [GOLD], model)[0]
    assert isinstance(grade, Score) and grade.value == 1.0
    assert grade.components[STAND_IN] == 1 and grade.components["judge_tokens_in"] > 50
    answer = bed.runtime.converse(**request(question(model)))
    assert answer["additionalModelResponseFields"] == {"standIn": NAME}
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-rft-stand-in"] == NAME


def test_better_answers_get_better_grades(bed: Bench) -> None:
    values = [
        grade.value
        for grade in graded(bed, [GOLD, "Paris, on the Seine.", "I like cheese.", "Paris " * 40])
        if isinstance(grade, Score)
    ]
    assert values[0] == 1 and values[0] > values[1] > values[2] and values[1] > values[3]


def test_a_base_model_that_is_asked_plainly_is_still_the_other_stand_in(bed: Bench) -> None:
    turn: Any = {"role": "user", "content": [{"text": "hello"}]}
    assert (
        bed.runtime.converse(modelId=NOVA, messages=[turn])["additionalModelResponseFields"]["standIn"] == "fake model"
    )
    plain = bed.runtime.converse(modelId=GPT, messages=[turn], system=[{"text": "be brief"}])
    assert NAME in plain["output"]["message"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modelId": "amazon.nova-2-lite-v1:0"}, "inference profile"),
        ({"modelId": "openai.gpt-9-v1:0"}, "invalid"),
        ({"modelId": NOVA, "toolConfig": None, "outputConfig": "schema"}, "outputConfig.textFormat"),
        ({"outputConfig": "open"}, "additionalProperties"),
        ({"outputConfig": "bounded"}, "constraints are not supported"),
    ],
)
def test_requests_that_the_service_refuses_are_refused(bed: Bench, change: dict[str, Any], words: str) -> None:
    schema = question().schema()
    schemas: dict[str, Any] = {
        "schema": schema,
        "open": {**schema, "additionalProperties": True},
        "bounded": {**schema, "properties": {"grade": {"type": "integer", "minimum": 0}}},
    }
    arguments = {**request(question()), **change}
    form = change.get("outputConfig")
    if form:
        wanted = {"jsonSchema": {"name": "grade", "schema": json.dumps(schemas[form])}}
        arguments["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": wanted}}
    with pytest.raises(ClientError, match=words) as raised:
        bed.runtime.converse(**{name: value for name, value in arguments.items() if value is not None})
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_equal_questions_after_a_start_get_equal_answers() -> None:
    settings = JudgeSettings(noise=0.2, malformed_share=0.2, seed=3)
    first, second = (
        [JudgeStandIn(settings).answer(asked(question(answer=f"Paris {number}"))) for number in range(30)]
        for _ in range(2)
    )
    assert first == second
    stand_in = JudgeStandIn(settings)
    assert len({str(stand_in.answer(asked(question())).content) for _ in range(30)}) > 3


def test_noise_spreads_the_grades_as_set() -> None:
    noisy = grades(JudgeStandIn(JudgeSettings(noise=0.15)), question(answer="Paris on the Seine"), 300)
    assert statistics.stdev(one[0] for one in noisy) == pytest.approx(1.5, abs=0.3)
    assert len(set(grades(JudgeStandIn(QUIET), question(), 20))) == 1


def test_biases_move_the_grades_as_set() -> None:
    long = "Paris. " + " ".join(f"word{number}" for number in range(150))
    plain, wordy = (
        grades(JudgeStandIn(JudgeSettings(noise=0.0, verbosity_bias=bias)), question(answer=long), 1)[0][0]
        for bias in (0.0, 0.6)
    )
    assert wordy - plain == 3
    same = pair(GOLD, GOLD)
    assert len(set(grades(JudgeStandIn(QUIET), same, 1)[0])) == 1
    first, second = grades(JudgeStandIn(JudgeSettings(noise=0.0, position_bias=-0.3)), same, 1)[0]
    assert second - first == 3


def test_throttling_is_cured_by_retries(tmp_path: Path) -> None:
    with bench(tmp_path, judge=JudgeSettings(noise=0.0, throttled_share=0.4)) as throttled:
        asking = BedrockJudge(Deadline(300), make_client=lambda wait: throttled.runtime, sleep=lambda seconds: None)
        answers = asking.ask([question(answer=f"Paris {number}") for number in range(40)])
    assert all(isinstance(answer, Answer) for answer in answers)


def test_a_throttled_judge_is_invalid_and_worth_a_retry(tmp_path: Path) -> None:
    with bench(tmp_path, judge=JudgeSettings(throttled_share=1.0)) as throttled:
        asking = BedrockJudge(Deadline(8.3), make_client=lambda wait: throttled.runtime)
        grader = judge(judge=asking, model=GPT, rubric="instruction_following")
        assert grader.grade_all([Sample(GOLD, GOLD, PROMPT)]) == [Invalid("judge-throttled", transient=True)]


SPEC = RewardSpec(name="helpful", grader="judge", options={"model": GPT, "rubric": "instruction_following"})
EVENT: list[Any] = [
    {
        "id": str(number),
        "messages": [*PROMPT, {"role": "assistant", "content": text}],
        "metadata": {"reference_answer": GOLD},
    }
    for number, text in enumerate([GOLD, "I like cheese."])
]


def test_a_reward_function_grades_an_event_with_it(bed: Bench) -> None:
    asking = BedrockJudge(Deadline(60), make_client=lambda wait: bed.runtime)
    response = grade_batch(SPEC, EVENT, {"judge": asking})
    scores = [item["aggregate_reward_score"] for item in response]
    assert scores[0] == 1.0 and isinstance(scores[1], float) and scores[1] < 0.5
    metrics = response[0]["metrics_list"]
    assert isinstance(metrics, list) and {"name": STAND_IN, "value": 1.0, "type": "Metric"} in metrics


def test_an_event_that_is_throttled_throughout_is_raised_for_a_retry(tmp_path: Path) -> None:
    with bench(tmp_path, judge=JudgeSettings(throttled_share=1.0)) as throttled:
        asking = BedrockJudge(Deadline(8.3), make_client=lambda wait: throttled.runtime)
        with pytest.raises(TransientFailure, match="none of 2 samples"):
            grade_batch(SPEC, EVENT, {"judge": asking})


@pytest.mark.parametrize("model", [GPT, NOVA])
def test_malformed_answers_are_unreadable_never_a_grade(tmp_path: Path, model: str) -> None:
    with bench(tmp_path, judge=JudgeSettings(malformed_share=1.0)) as broken:
        found = graded(broken, [f"Paris {number}" for number in range(30)], model)
    assert set(found) == {Invalid("judge-unreadable")}


def test_quality_is_a_share() -> None:
    texts = ["", "a", GOLD, "Paris " * 500, "word " * 5000, "\0"]
    assert all(0 <= quality(text, reference, "Paris?") <= 1 for text in texts for reference in (None, "", GOLD))


def test_settings_are_checked() -> None:
    wrong: list[dict[str, Any]] = [{"noise": 1.5}, {"throttled_share": 1.5}, {"malformed_share": -0.1}]
    for settings in wrong:
        with pytest.raises(ValueError, match=f"{next(iter(settings))}: got"):
            JudgeSettings(**settings)
    with pytest.raises(ValueError, match="position_bias: got -2"):
        JudgeSettings(position_bias=-2)


def test_content_that_is_no_text_is_refused() -> None:
    turn = Turn(role="user", content=(Text(),))
    with pytest.raises(ServiceError, match="text content alone"):
        JudgeStandIn(QUIET).answer(Converse(model_id=GPT, messages=(turn,), inference_config=InferenceParameters()))
