import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_cdk import Stack

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    HandlerPlatform,
    PlatformSettings,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftKey,
    RftTopic,
    RftWorkflow,
    UnitPrice,
)
from rft_contract.layout import RunKeys
from rft_contract.plan_facts import PlanFacts
from rft_contract.reward_facts import RewardFacts

SETTINGS = PlatformSettings(environment="dev")
STEPS = [
    "Plan",
    "Validate",
    "Freeze",
    "Certify",
    "StartProbe",
    "IsToBeProbed",
    "Probe",
    "DecideProbe",
    "Probed",
    "StartTraining",
    "WaitForTraining",
    "PollTraining",
    "IsTrained",
    "Trained",
    "DeployCandidate",
    "WaitForDeployment",
    "PollDeployment",
    "IsDeployed",
    "Deployed",
    "Evaluate",
    "Decide",
    "IsToBePromoted",
    "PromoteCandidate",
    "WaitForPromotion",
    "PollPromotion",
    "IsPromoted",
    "Promoted",
    "Close",
    "HowItEnded",
    "Ended",
]

PRICE = UnitPrice(unit="training-hour", amount=1.5, currency="USD", source="https://a", date="2026-11-01")


def workflow(
    stack: Stack, datasets: DatasetBucket, key: RftKey, rewards: list[RewardFunction], **overrides: Any
) -> RftWorkflow:
    role = CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=rewards)
    topic = RftTopic(stack, "Topic", key=key)
    options: dict[str, Any] = {"settings": SETTINGS, "platform": HandlerPlatform.HOST} | overrides
    return RftWorkflow(
        stack,
        "Workflow",
        datasets=datasets,
        key=key,
        rewards=rewards,
        customization_role=role,
        topic=topic.topic,
        **options,
    )


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    """Return a stack with a workflow, synthesized once for the tests that only look at it."""
    stack = new_stack()
    key = RftKey(stack, "Key")
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    reward = RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")
    workflow(stack, DatasetBucket(stack, "Datasets", key=key), key, [reward], prices=[PRICE])
    return build(stack)


@pytest.fixture(scope="module")
def machine(built: Any, flat: Any) -> Any:
    """Return the state machine's properties with its definition read."""
    properties = flat(built.properties("AWS::StepFunctions::StateMachine"))
    properties["Definition"] = json.loads(properties.pop("DefinitionString"))
    return properties


def tasks(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every task, those of maps included."""
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"]["States"])


def followers(state: dict[str, Any]) -> set[str]:
    """Return every state that may follow."""
    found = {state[name] for name in ("Next", "Default") if name in state}
    found |= {choice["Next"] for choice in state.get("Choices", [])}
    return found | {catch["Next"] for catch in state.get("Catch", [])}


def test_the_steps_follow_each_other(machine: Any) -> None:
    definition = machine["Definition"]
    states = definition["States"]
    path, name = [], definition["StartAt"]
    while True:
        path.append(name)
        state = states[name]
        if state["Type"] == "Choice":
            name = state["Choices"][0]["Next"]
        elif "Next" in state:
            name = state["Next"]
        else:
            break
    assert path == STEPS


def test_every_state_is_reached_and_every_follower_exists(machine: Any) -> None:
    states = machine["Definition"]["States"]
    reached, open_ = set(), [machine["Definition"]["StartAt"]]
    while open_:
        name = open_.pop()
        if name not in reached:
            reached.add(name)
            open_ += followers(states[name])
    assert reached == set(states)
    for state in states.values():
        assert followers(state) or state["Type"] in ("Succeed", "Fail")


def test_every_task_retries_what_is_transient_and_has_a_timeout(machine: Any) -> None:
    found = dict(tasks(machine["Definition"]["States"]))
    assert len(found) == 17
    for name, task in found.items():
        transient, lost = task["Retry"]
        assert "Transient" in transient["ErrorEquals"], name
        assert set(lost["ErrorEquals"]) == {"Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"}
        for retry in (transient, lost):
            assert not {"States.ALL", "States.TaskFailed", "RunFailed"} & set(retry["ErrorEquals"]), name
            assert (retry["JitterStrategy"], retry["BackoffRate"]) == ("FULL", 2), name
        polls, closes = name.startswith("Poll"), name.startswith("Close")
        attempts = transient["MaxAttempts"], lost["MaxAttempts"]
        assert attempts == ((40, 40) if polls else (6, 6) if closes else (6, 2)), name
        assert task["TimeoutSeconds"] > 60, name


def test_every_error_goes_to_close_and_an_error_of_close_ends_as_failed(machine: Any) -> None:
    states = machine["Definition"]["States"]
    caught = {name: state["Catch"] for name, state in states.items() if state["Type"] in ("Task", "Map")}
    closing = {name: caught.pop(name) for name in ("Close", "CloseAfterError")}
    assert set(caught) == {name for name in STEPS if states[name]["Type"] in ("Task", "Map")} - {"Close"}
    for catch in caught.values():
        assert catch == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "CloseAfterError"}]
    for catch in closing.values():
        assert catch == [{"ErrorEquals": ["States.ALL"], "Next": "CloseFailed"}]


def test_events_of_the_handlers(machine: Any) -> None:
    states = machine["Definition"]["States"]
    events = {name: task["Parameters"] for name, task in tasks(states)}
    plan = events.pop("Plan")
    assert {name: plan[name] for name in ("run_id.$", "recipe.$", "execution.$")} == {
        "run_id.$": "$.run_id",
        "recipe.$": "$.recipe",
        "execution.$": "$$.Execution.Id",
    }
    assert PlatformSettings.from_json(plan["settings"]) == SETTINGS
    names = {"bucket", "key_arn", "customization_role_arn", "topic_arn", "rewards", "reward_facts", "release_key_arn"}
    assert set(plan["resources"]) == names
    told = PlanFacts.from_json(plan)
    assert (told.prices, told.hours_beside_training) == ((PRICE,), 12)
    assert told.resources.facts_of("teams") == RewardFacts(floor=0, ceiling=1, memory_mib=512)
    run = {"run_id.$": "$.run_id"}
    poll = run | {"wait_seconds.$": "$.wait_seconds"}
    execution = {"run_id.$": "$$.Execution.Name", "execution.$": "$$.Execution.Id"}
    assert events == {
        "Validate": run,
        "Freeze": run,
        "Certify": run,
        "StartProbe": run,
        "ProbeRollout": {"BatchInput.$": "$.BatchInput", "Items.$": "$.Items"},
        "DecideProbe": run,
        "StartTraining": run,
        "PollTraining": poll,
        "DeployCandidate": run,
        "PollDeployment": poll,
        "Rollout": {"BatchInput.$": "$.BatchInput", "Items.$": "$.Items"},
        "Decide": run,
        "PromoteCandidate": run,
        "PollPromotion": poll,
        "Close": execution | {"outcome.$": "$.outcome", "reason.$": "$.reason"},
        "CloseAfterError": execution | {"error.$": "$.error"},
    }


def test_tasks_call_versions(machine: Any, built: Any) -> None:
    versions = {f"<{name}>" for name in built.of_type("AWS::Lambda::Version")}
    assert {task["Resource"] for _, task in tasks(machine["Definition"]["States"])} <= versions


def test_waiting_polls_until_done(machine: Any) -> None:
    states = machine["Definition"]["States"]
    for wait, choice, end in (
        ("WaitForTraining", "IsTrained", "Trained"),
        ("WaitForDeployment", "IsDeployed", "Deployed"),
        ("WaitForPromotion", "IsPromoted", "Promoted"),
    ):
        assert states[wait]["SecondsPath"] == "$.wait_seconds"
        assert states[choice]["Choices"] == [{"Variable": "$.progress", "StringEquals": "DONE", "Next": end}]
        assert states[choice]["Default"] == wait
        result = {"outcome.$": "$.outcome", "reason.$": "$.reason"} if end == "Promoted" else {}
        assert states[end]["Parameters"] == {"run_id.$": "$.run_id"} | result


def test_only_what_decide_wants_promoted_is_promoted(machine: Any) -> None:
    states = machine["Definition"]["States"]
    choice = states["IsToBePromoted"]
    assert choice["Choices"] == [{"Variable": "$.promote", "BooleanEquals": True, "Next": "PromoteCandidate"}]
    assert choice["Default"] == states["Promoted"]["Next"] == "Close"


@pytest.mark.parametrize(("state", "folder"), [("Probe", "probe"), ("Evaluate", "evaluation")])
def test_maps_read_pointers_and_write_results_below_the_run(machine: Any, state: str, folder: str) -> None:
    found = machine["Definition"]["States"][state]
    reader, writer = found["ItemReader"]["Parameters"], found["ResultWriter"]["Parameters"]
    assert reader["Key.$"] == f"States.Format('runs/{{}}/{folder}/shards.jsonl', $.run_id)"
    assert writer["Prefix.$"] == f"States.Format('runs/{{}}/{folder}/map', $.run_id)"
    assert found["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert found["ItemBatcher"] == {"MaxItemsPerBatch": 1, "BatchInput": {"run_id.$": "$.run_id"}}
    assert found["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert (found["MaxConcurrency"], found["ResultPath"]) == (20, None)
    assert "ToleratedFailurePercentage" not in found  # absent means that none is tolerated


def test_maps_use_the_keys_of_the_run() -> None:
    keys = RunKeys("one")
    assert (keys.probe_shards, keys.probe_map_results) == ("runs/one/probe/shards.jsonl", "runs/one/probe/map/")
    assert (keys.shards, keys.map_results) == ("runs/one/evaluation/shards.jsonl", "runs/one/evaluation/map/")


def test_a_recipe_without_a_probe_passes_it_over(machine: Any) -> None:
    states = machine["Definition"]["States"]
    (wanted,) = states["IsToBeProbed"]["Choices"]
    assert wanted == {"Variable": "$.prompts", "NumericGreaterThan": 0, "Next": "Probe"}
    assert states["IsToBeProbed"]["Default"] == states["DecideProbe"]["Next"] == "Probed"
    assert states["Probed"]["Parameters"] == {"run_id.$": "$.run_id"}


def test_the_endings(machine: Any) -> None:
    states = machine["Definition"]["States"]
    (good,) = states["HowItEnded"]["Choices"]
    assert {choice["StringEquals"] for choice in good["Or"]} == {"PASSED", "PROMOTED", "REJECTED"}
    assert (good["Next"], states["HowItEnded"]["Default"]) == ("Ended", "RunFailed")
    assert states["RunFailed"] == {"Type": "Fail", "ErrorPath": "$.outcome", "CausePath": "$.reason"}
    assert states["CloseFailed"]["Error"] == "CloseFailed"


def test_history_and_logs_are_encrypted_and_hold_no_data(machine: Any, built: Any) -> None:
    (key,) = (name for name in built.of_type("AWS::KMS::Key") if "ReleaseKey" not in name)
    assert machine["EncryptionConfiguration"] == {
        "Type": "CUSTOMER_MANAGED_KMS_KEY",
        "KmsKeyId": f"<{key}.Arn>",
        "KmsDataKeyReusePeriodSeconds": 300,
    }
    logging = machine["LoggingConfiguration"]
    assert (logging["IncludeExecutionData"], logging["Level"]) == (False, "ALL")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["Definition"]["TimeoutSeconds"] == 60 * 3600
    groups = built.of_type("AWS::Logs::LogGroup")
    plain = {name for name, group in groups.items() if "KmsKeyId" not in group["Properties"]}
    assert not [name for name in plain if name.startswith("Workflow")]


def test_the_machine_reaches_no_other_objects_and_functions(built: Any) -> None:
    statements = built.statements("WorkflowStateMachineRole")
    (data,) = (name for name in built.of_type("AWS::S3::Bucket") if "AccessLogs" not in name)
    objects = [statement for statement in statements if "s3:GetObject" in statement["Action"]]
    assert {resource for statement in objects for resource in [statement["Resource"]]} == {
        f"<{data}.Arn>/runs/*/probe/shards.jsonl",
        f"<{data}.Arn>/runs/*/probe/map/*",
        f"<{data}.Arn>/runs/*/evaluation/shards.jsonl",
        f"<{data}.Arn>/runs/*/evaluation/map/*",
    }
    invoked = [item["Resource"] for item in statements if item["Action"] == "lambda:InvokeFunction"]
    functions = [resource for found in invoked for resource in (found if isinstance(found, list) else [found])]
    assert all(resource.startswith(("<WorkflowHandlers", "<WorkflowReleasesPromote")) for resource in functions)
    assert len({resource for resource in functions if resource.endswith(":*")}) == 15


def test_an_ended_execution_closes_its_run(built: Any, flat: Any) -> None:
    rule = flat(built.properties("AWS::Events::Rule", "ExecutionEnded"))
    (machine_id,) = built.of_type("AWS::StepFunctions::StateMachine")
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [f"<{machine_id}>"],
            "status": ["ABORTED", "TIMED_OUT", "FAILED", "SUCCEEDED"],
        },
    }
    (target,) = rule["Targets"]
    assert "CloseFunction" in target["Arn"]
    (queue,) = (name for name in built.of_type("AWS::SQS::Queue") if "Sweeper" not in name)
    assert target["DeadLetterConfig"] == {"Arn": f"<{queue}.Arn>"}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 7200, "MaximumRetryAttempts": 10}
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == {
        "detail-name": "$.detail.name",
        "detail-executionArn": "$.detail.executionArn",
        "detail-status": "$.detail.status",
    }
    assert transformer["InputTemplate"] == (
        '{"run_id":<detail-name>,"execution":<detail-executionArn>,"execution_status":<detail-status>}'
    )


def test_a_closing_that_fails_is_kept_too(built: Any, flat: Any) -> None:
    (queue,) = (name for name in built.of_type("AWS::SQS::Queue") if "Sweeper" not in name)
    config = flat(built.properties("AWS::Lambda::EventInvokeConfig", "Close"))
    assert "CloseFunction" in config["FunctionName"]
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": f"<{queue}.Arn>"}}
    assert config["MaximumRetryAttempts"] == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"settings": PlatformSettings(environment="dev", poll_first_seconds=1, poll_max_seconds=3)},
            "polling every 3 s for 60 h",
        ),
        ({"hours_beside_training": 1000}, "polling every 180 s for 1048 h"),
        ({"max_concurrency": 0}, "max_concurrency: got 0, wanted 1 to 10000"),
    ],
)
def test_refusals(
    stack: Stack,
    datasets: DatasetBucket,
    key: RftKey,
    reward: RewardFunction,
    overrides: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        workflow(stack, datasets, key, [reward], **overrides)


def test_two_rewards_of_one_name_are_refused(
    stack: Stack, datasets: DatasetBucket, key: RftKey, reward: RewardFunction
) -> None:
    with pytest.raises(ValueError, match="rewards: got the names teams, teams, wanted each name once"):
        workflow(stack, datasets, key, [reward, reward])
