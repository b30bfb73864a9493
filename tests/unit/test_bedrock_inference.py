"""Converse and InvokeModel over HTTP, and how concurrent requests are answered together."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_contract.hyperparameters import Hyperparameters
from rft_local.bedrock.batcher import Batcher, Question
from rft_local.bedrock.engine import Decoding, Message, SharedEngine, TrainingHooks, TrainingRow, TrainingTask
from tests.unit.bedrock_bench import BASE, Bench, bench
from tests.unit.fakes.engine import FakeEngine

LOCAL = "local.smollm2-135m-instruct-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
GREEDY = Decoding(max_tokens=16, temperature=0.0, top_p=1.0)
SAMPLED = Decoding(max_tokens=16, temperature=1.0, top_p=1.0)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("state")) as served:
        yield served


def user(text: str) -> Any:
    return {"role": "user", "content": [{"text": text}]}


def error(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call()
    found = raised.value.response["Error"]
    return found["Code"], found["Message"]


def test_converse_answers_and_says_what_answered(bed: Bench) -> None:
    answer = bed.runtime.converse(
        modelId=LOCAL,
        system=[{"text": "be brief"}],
        messages=[user("one two")],
        inferenceConfig={"maxTokens": 1000, "temperature": 0},
    )
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": "one two #0"}]}
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {"inputTokens": 4, "outputTokens": 3, "totalTokens": 7}
    assert answer["metrics"]["latencyMs"] >= 0
    assert answer["additionalModelResponseFields"] == {
        "standIn": "fake model",
        "maxTokens": {"asked": 1000, "used": 64},
    }
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-rft-stand-in"] == "fake model" and headers["x-rft-max-tokens"] == "asked 1000, used 64"


@pytest.mark.parametrize(
    ("config", "text", "reason"),
    [
        ({"maxTokens": 2}, "one two", "max_tokens"),
        ({"stopSequences": ["three", "two"]}, "one ", "stop_sequence"),
        ({"stopSequences": ["seven"]}, "one two three #0", "end_turn"),
    ],
)
def test_a_completion_ends_where_it_should(bed: Bench, config: Any, text: str, reason: str) -> None:
    answer = bed.runtime.converse(modelId=LOCAL, messages=[user("one two three")], inferenceConfig=config)
    assert answer["output"]["message"]["content"][0]["text"] == text and answer["stopReason"] == reason


@pytest.mark.parametrize(
    "model", [LOCAL, NOVA, BASE, f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{NOVA}"]
)
def test_base_models_answer_under_their_inference_names(bed: Bench, model: str) -> None:
    bed.engine.calls.clear()
    assert bed.runtime.converse(modelId=model, messages=[user("hello")])["stopReason"] == "end_turn"
    assert bed.engine.calls == [(1, 1, None)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("amazon.nova-2-lite-v1:0", "on-demand throughput isn't supported"),
        ("amazon.nova-2-lite-v1:0:256k", "model identifier is invalid"),
        ("anthropic.claude-9", "model identifier is invalid"),
    ],
)
def test_models_that_do_not_answer_are_refused(bed: Bench, model: str, words: str) -> None:
    code, text = error(lambda: bed.runtime.converse(modelId=model, messages=[user("hello")]))
    assert code == "ValidationException" and words in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"messages": []}, "must start with a user message"),
        ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "must start with a user message"),
        ({"messages": [user("a"), user("b")]}, "must alternate"),
        ({"messages": [user("a"), {"role": "assistant", "content": [{"text": "b"}]}]}, "must end with a user message"),
        ({"messages": [{"role": "user", "content": []}]}, "text content alone"),
        ({"messages": [{"role": "user", "content": [{"cachePoint": {"type": "default"}}]}]}, "text content alone"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "exactly one of [text"),
        ({"messages": [{"role": "robot", "content": [{"text": "a"}]}]}, "enum value set: [user, assistant"),
        ({"inferenceConfig": {"temperature": 1.5}}, "inferenceConfig.temperature"),
        ({"inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"toolConfig": {"tools": [{"cachePoint": {"type": "default"}}]}}, "tool use"),
        ({"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"}}, "no guardrails"),
        ({"modelId": "not a model"}, "at 'modelId'"),
    ],
)
def test_illegal_conversations_are_refused(bed: Bench, changes: Any, words: str) -> None:
    code, text = error(lambda: bed.runtime.converse(**{"modelId": LOCAL, "messages": [user("a")], **changes}))
    assert code == "ValidationException" and words in text


def test_a_prompt_that_does_not_fit_is_the_callers_fault(tmp_path: Path) -> None:
    with bench(tmp_path, FakeEngine(failure="endless")) as bed:
        code, text = error(lambda: bed.runtime.converse(modelId=LOCAL, messages=[user("endless")]))
    assert code == "ValidationException" and "does not fit" in text


def test_a_deployment_answers_with_its_own_weights(bed: Bench) -> None:
    model = bed.trained()
    created = bed.control.create_custom_model_deployment(modelDeploymentName="live", modelArn=model)
    deployment = created["customModelDeploymentArn"]
    bed.engine.calls.clear()
    bed.runtime.converse(modelId=deployment, messages=[user("hello")])
    (_, _, adapter) = bed.engine.calls[0]
    assert adapter is not None and adapter.stem == model.rsplit("/", 1)[1] and adapter.read_bytes() == b"weights"
    unknown = deployment[:-1] + ("a" if deployment[-1] != "a" else "b")
    code, _ = error(lambda: bed.runtime.converse(modelId=unknown, messages=[user("hello")]))
    assert code == "ResourceNotFoundException"


def test_a_deployment_that_is_being_created_is_not_ready(tmp_path: Path) -> None:
    with bench(tmp_path, deployment_seconds=60) as bed:
        created = bed.control.create_custom_model_deployment(modelDeploymentName="soon", modelArn=bed.trained())
        arn = created["customModelDeploymentArn"]
        assert error(lambda: bed.runtime.converse(modelId=arn, messages=[user("a")]))[0] == "ModelNotReadyException"


def invoke(bed: Bench, body: Any) -> Any:
    answer = bed.runtime.invoke_model(modelId=NOVA, body=json.dumps(body).encode())
    assert answer["contentType"] == "application/json"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-rft-stand-in"] == "fake model"
    return json.loads(answer["body"].read())


def test_invoke_model_speaks_novas_format(bed: Bench) -> None:
    body = {
        "schemaVersion": "messages-v1",
        "system": [{"text": "be brief"}],
        "messages": [user("one two")],
        "inferenceConfig": {"maxTokens": 2, "temperature": 0.5, "topP": 0.9, "topK": 20},
    }
    assert invoke(bed, body) == {
        "output": {"message": {"role": "assistant", "content": [{"text": "one two"}]}},
        "stopReason": "max_tokens",
        "usage": {"inputTokens": 4, "outputTokens": 2, "totalTokens": 6},
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": [user("a")], "max_tokens": 5}, "max_tokens"),
        ({"messages": [user("a")], "inferenceConfig": {"max_new_tokens": 5}}, "max_new_tokens"),
        ({"messages": [user("a")], "inferenceConfig": {"temperature": "hot"}}, "temperature"),
        ({"messages": [user("a")], "inferenceConfig": {"temperature": 2}}, "temperature"),
        ({"prompt": "a"}, "prompt"),
        ({}, "messages"),
        ([], "array"),
    ],
)
def test_a_body_that_nova_does_not_have_is_refused(bed: Bench, body: Any, words: str) -> None:
    code, text = error(lambda: invoke(bed, body))
    assert code == "ValidationException" and words in text


def question(text: str, decoding: Decoding = GREEDY, adapter: Path | None = None) -> Question:
    return Question((Message(role="user", content=text),), adapter, decoding)


def asked_together(engine: FakeEngine, questions: list[Question], size: int = 32) -> list[str]:
    """Ask all questions before the batcher begins to answer."""
    batcher = Batcher(engine, seed=0, seconds=0.2, size=size)
    with ThreadPoolExecutor(len(questions)) as pool:
        waiting = [pool.submit(batcher.ask, one) for one in questions]
        batcher.start()
        answers = [future.result(10).text for future in waiting]
    batcher.stop()
    return answers


def test_different_prompts_are_one_call() -> None:
    engine = FakeEngine()
    assert asked_together(engine, [question(f"q{n}") for n in range(8)]) == [f"q{n} #0" for n in range(8)]
    assert engine.calls == [(8, 1, None)]


def test_equal_prompts_are_samples_when_sampled() -> None:
    engine = FakeEngine()
    answers = asked_together(engine, [question("same", SAMPLED) for _ in range(4)])
    assert sorted(answers) == [f"same #{n}" for n in range(4)] and engine.calls == [(1, 4, None)]


def test_equal_prompts_are_answered_once_when_greedy() -> None:
    engine = FakeEngine()
    assert asked_together(engine, [question("same")] * 4) == ["same #0"] * 4
    assert engine.calls == [(1, 1, None)]


def test_models_and_decodings_are_kept_apart() -> None:
    engine = FakeEngine()
    tuned = Path("tuned.npz")
    longer = replace(GREEDY, max_tokens=32)
    asked_together(engine, [question("a"), question("a", adapter=tuned), question("a", longer)])
    assert sorted(engine.calls, key=str) == sorted([(1, 1, None), (1, 1, tuned), (1, 1, None)], key=str)


def test_no_call_is_larger_than_the_limit() -> None:
    engine = FakeEngine()
    asked_together(engine, [question(f"q{n}") for n in range(10)], size=4)
    assert [prompts for prompts, _, _ in engine.calls] == [4, 4, 2]


def test_one_bad_prompt_does_not_spoil_the_others() -> None:
    engine = FakeEngine(failure="endless")
    batcher = Batcher(engine, seed=0, seconds=0.2, size=8)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(batcher.ask, question(text)) for text in ("a", "endless", "b")]
        batcher.start()
        assert waiting[0].result(10).text == "a #0" and waiting[2].result(10).text == "b #0"
        with pytest.raises(ValueError, match="does not fit"):
            waiting[1].result(10)
    batcher.stop()


def test_inference_gets_its_turn_while_training_awaits_rewards(tmp_path: Path) -> None:
    shared = SharedEngine(FakeEngine(steps=1))
    answered = threading.Event()

    def reward(rollouts: Any) -> list[float]:
        assert answered.wait(5), "inference was kept waiting"
        return [1.0] * len(rollouts)

    def ask() -> None:
        shared.generate([[Message(role="user", content="a")]], adapter=None, samples=1, decoding=GREEDY, seed=0)
        answered.set()

    rows = [TrainingRow(messages=[Message(role="user", content="a")], fields={})]
    task = TrainingTask(rows, (), Hyperparameters(), 0, tmp_path / "adapter.npz")
    hooks = TrainingHooks(
        lambda *_: threading.Thread(target=ask, daemon=True).start(), reward, lambda _: None, lambda: False
    )
    shared.train(task, hooks)
    assert answered.is_set()
