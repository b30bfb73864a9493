"""What Step Functions allows an execution, 25,000 events and 256 KiB a payload, held against a whole run.

The state machine's own definition is walked, and its tasks call the real handlers on an AWS in memory.
"""

import importlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack

from bedrock_rft import DatasetBucket, PlatformSettings, RewardCode, RewardFunction, RewardSpec, RftKey
from bedrock_rft.polling import EVENT_BUDGET, polling_events
from rft_contract.recipe_sections import guard_split
from rft_runtime.shards import BASE, CANDIDATE, HELD_OUT, LIVE, encode_shards, shards_of
from tests.constructs_.simulated_execution import Ended, SimulatedExecution, largest
from tests.constructs_.test_workflow import workflow
from tests.unit.certified import accept
from tests.unit.fakes.account import BUCKET, EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset, recipe_json, upload
from tests.unit.test_runtime_workflow import MODEL_ARN, label_grade, tuned_answer

RUN = "tickets-1"
GUARD = "manners"
JOB_HOURS = 47.9
THROTTLED = 0.05
PROMPTS = 20_000
MOST_EVENTS = 18_000
MOST_BYTES = 256 * 1024
CANARY = "where is my money"
"""In every prompt of `fakes.recipe.dataset`."""

Definition = dict[str, Any]


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    key = RftKey(stack, "Key")
    spec = RewardSpec(name="tickets", grader="label", options={"labels": ["billing", "shipping"]})
    reward = RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")
    workflow(stack, DatasetBucket(stack, "Datasets", key=key), key, [reward])
    return build(stack)


@pytest.fixture(scope="module")
def definition(built: Any, flat: Any) -> Definition:
    properties = flat(built.properties("AWS::StepFunctions::StateMachine"))
    found: Definition = json.loads(properties["DefinitionString"])
    return found


@pytest.fixture(scope="module")
def modules(built: Any) -> dict[str, str]:
    """Return the module of the handler behind each function version that a task may name."""
    functions = built.of_type("AWS::Lambda::Function")
    return {
        f"<{name}>": functions[version["Properties"]["FunctionName"]["Ref"]]["Properties"]["Handler"].rsplit(".", 1)[0]
        for name, version in built.of_type("AWS::Lambda::Version").items()
    }


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class Run:
    """One execution, whose job, deployments and throttling follow the execution's clock."""

    def __init__(self, definition: Definition, modules: dict[str, str], *, prompts: int, hours: float) -> None:
        self.aws = FakeAws()
        self.aws.bedrock_runtime.answer = tuned_answer
        self.aws.functions.grade = label_grade
        upload(self.aws, train=prompts)
        manners = dataset(GUARD, 60).replace(CANARY.encode(), b"which team answers a kind question about the weather")
        self.aws.s3.put(f"datasets/{GUARD}/{GUARD}.jsonl", manners)
        for body in list(self.aws.s3.objects.values()):
            accept(self.aws, body)
        self._modules = modules
        self._seconds = hours * 3600
        self._chance = random.Random(11)
        self.throttled = 0
        self.execution = SimulatedExecution(
            definition=definition, call=self.called, items=self.items, name=RUN, arn=EXECUTION + RUN
        )

    def start(self) -> Any:
        recipe = recipe_json(
            promote=True,
            datasets={
                **{split: f"s3://{BUCKET}/datasets/{split}/{split}.jsonl" for split in ("train", "held_out")},
                "guards": {GUARD: f"s3://{BUCKET}/datasets/{GUARD}/{GUARD}.jsonl"},
            },
            probe={"prompts": 20},
            limits={"hours": 48},
        )
        return self.execution.run({"run_id": RUN, "recipe": recipe})

    def items(self, key: str) -> list[str]:
        return self.aws.s3.objects[key].decode().splitlines()

    def called(self, resource: str, payload: Any) -> Any:
        module = importlib.import_module(self._modules[resource])
        if payload.keys() >= {"settings", "resources"}:
            payload = {**payload, "settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
        self._pass_time()
        is_poll = "wait_seconds" in payload
        throttles = is_poll and self._chance.random() < THROTTLED
        self.throttled += throttles
        self.aws.bedrock.broken = {"GetModelCustomizationJob", "GetCustomModelDeployment"} if throttles else set()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "here", self.aws.platform)
            return json.loads(json.dumps(module.handler(json.loads(json.dumps(payload)), Context())))

    def _pass_time(self) -> None:
        """End the job when its time is up; deployments and updates are done when they are looked at next."""
        bedrock = self.aws.bedrock
        for job in bedrock.jobs.values():
            began = job.setdefault("began", self.execution.seconds)
            if job["status"] == "InProgress" and self.execution.seconds >= began + self._seconds:
                job.update(status="Completed", outputModelArn=MODEL_ARN)
        for name, deployment in bedrock.deployments.items():
            if deployment["status"] == "Creating":
                bedrock.settle_deployment(name)


@pytest.fixture(scope="module")
def long(definition: Definition, modules: dict[str, str]) -> Run:
    """Return a run on 20,000 prompts whose job takes two days, while every twentieth poll is throttled."""
    run = Run(definition, modules, prompts=PROMPTS, hours=JOB_HOURS)
    assert run.start()["outcome"] == "PROMOTED"
    return run


def test_two_days_of_polling_leave_the_history_room(long: Run) -> None:
    polls = long.execution.entered["PollTraining"]
    assert long.execution.seconds > JOB_HOURS * 3600
    assert polls > 950
    assert 0.03 < long.throttled / polls < 0.07
    assert long.execution.events < MOST_EVENTS


def test_the_count_of_events_is_the_bound_of_the_construct_where_nothing_is_throttled(
    definition: Definition, modules: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.THROTTLED", 0.0)
    run = Run(definition, modules, prompts=100, hours=12)
    run.start()
    once = 120
    """Of the states that a run passes once."""
    assert run.execution.events - once < polling_events(PlatformSettings(environment="dev"), 12)
    assert polling_events(PlatformSettings(environment="dev"), 12) < run.execution.events + once


def test_the_tightest_polling_that_is_accepted_leaves_room_for_throttling() -> None:
    """A throttled attempt adds three events to the nine of its turn; attempts are throttled independently."""
    turns = EVENT_BUDGET / 9
    assert turns * (9 + 3 * THROTTLED / (1 - THROTTLED)) + 500 < 25_000


def test_payloads_do_not_grow_with_the_prompts(long: Run, definition: Definition, modules: dict[str, str]) -> None:
    small = Run(definition, modules, prompts=100, hours=1)
    small.start()
    most = largest(long.execution.payloads)
    assert most < MOST_BYTES / 20
    assert abs(most - largest(small.execution.payloads)) < 64


def test_no_payload_holds_text_of_a_prompt(long: Run) -> None:
    assert any(CANARY in body.decode(errors="ignore") for body in long.aws.s3.objects.values())
    assert not [payload for payload in long.execution.payloads if CANARY in payload]


def test_a_dataset_that_is_broken_in_every_line_still_fits_the_history(
    definition: Definition, modules: dict[str, str]
) -> None:
    run = Run(definition, modules, prompts=100, hours=1)
    broken = dataset("train", PROMPTS).replace(b'"messages"', b'"massages"')
    run.aws.s3.put("datasets/train/train.jsonl", broken)
    with pytest.raises(Ended) as ended:
        run.start()
    error, cause = ended.value.args
    assert error == "INVALID_DATASET"
    assert len(cause) < 2000
    assert largest(run.execution.payloads) < MOST_BYTES / 20
    assert not [payload for payload in run.execution.payloads if CANARY in payload]


def test_an_item_of_a_map_is_a_pointer_however_many_there_are() -> None:
    lengths = [4000] * PROMPTS
    subjects = [BASE, CANDIDATE, LIVE]
    for data in (HELD_OUT, guard_split("x" * 24)):
        manifest = encode_shards(
            shards_of(lengths, data=data, subjects=subjects, rows_per_shard=20, samples=64, temperature=1.0)
        )
        lines = manifest.splitlines()
        assert len(lines) == 2 * 3 * PROMPTS / 20
        assert max(map(len, lines)) < 256
