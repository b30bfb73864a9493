"""What can be observed of an account without a customization job."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from rft_cli.environment import Environment
from rft_cli.verification.observation import Observation, holds, unseen
from rft_cli.verification.observer import SANDBOX
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.permission import ALLOWED, DENIED, attempt
from rft_cli.verification.removals import Removals
from rft_cli.verification.scaffold import Scaffold, make_role, service_trust
from rft_runtime.base_models import BASE_MODELS
from rft_runtime.conversation import Decoding, converse_request
from rft_runtime.failures import explain

_ROW = {"messages": [{"role": "user", "content": "What is 2 plus 2? Answer with the number alone."}]}
_TOKENS = 64


def observe_sandbox(scaffold: Scaffold) -> Observation:
    """Have the observing function make the system calls of the isolated runner."""
    answer = scaffold.environment.aws.functions.invoke(
        FunctionName=scaffold.function, Payload=json.dumps({"look": SANDBOX}).encode()
    )
    found = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or not isinstance(found, Mapping):
        return unseen("sandbox-calls", "the observing function failed")
    words = ", ".join(f"{name}: {outcome}" for name, outcome in found.items())
    return holds("sandbox-calls", set(found.values()) == {"ok"}, words)


def observe_version_deletion(scaffold: Scaffold, pace: TrialPace) -> Observation:
    """Have a role that may delete one version of a function try to; no alias points to that version."""
    functions = scaffold.environment.aws.functions
    allowed = scaffold.spare_version
    own = pace.granted(lambda: scaffold.acting_as(scaffold.own))
    # a right on the same version that IAM does know: once it works, a refusal is no matter of time
    pace.granted(
        lambda: own.functions.invoke(
            FunctionName=f"{scaffold.function}:{allowed}", InvocationType="DryRun", Payload=b"{}"
        )
    )
    found = attempt(lambda: own.functions.delete_function(FunctionName=scaffold.function, Qualifier=allowed))
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=scaffold.function)
    left = {version["Version"] for page in pages for version in page["Versions"]}
    words = f"allowed on version {allowed} alone: {found}; the version is {'there' if allowed in left else 'gone'}"
    if found not in (ALLOWED, DENIED):
        return unseen("delete-version", words)
    return holds("delete-version", found == DENIED, words)


def observe_batch_input(environment: Environment, name: str, pace: TrialPace, removals: Removals) -> Observation:
    """Run a Distributed Map whose batch input is a path of the state's input."""
    states = environment.aws.states
    _, partition, _, region, account, *_ = environment.outputs.state_machine_arn.split(":")
    arn = f"arn:{partition}:states:{region}:{account}:stateMachine:{name}"
    statements: list[dict[str, Any]] = [
        {"Action": "states:StartExecution", "Resource": arn},
        {
            "Action": ["states:DescribeExecution", "states:StopExecution"],
            "Resource": f"arn:{partition}:states:{region}:{account}:execution:{name}*",
        },
    ]
    role = make_role(environment, f"{name}-states", service_trust("states"), statements, removals)
    removals.add(f"state machine {name}", lambda: states.delete_state_machine(stateMachineArn=arn))
    pace.granted(lambda: states.create_state_machine(name=name, definition=json.dumps(batch_machine()), roleArn=role))
    started = states.start_execution(stateMachineArn=arn, input=json.dumps({"items": [1], "name": name}))
    ended = pace.until(
        lambda: states.describe_execution(executionArn=started["executionArn"]),
        lambda found: found["status"] != "RUNNING",
        pace.metrics + 60,
    )
    if ended["status"] != "SUCCEEDED":
        return unseen("batch-input-paths", f"the execution is {ended['status']}: {ended.get('error', 'no error')}")
    children = json.loads(ended["output"])
    got = [child["BatchInput"].get("name") for child in children]
    return holds("batch-input-paths", got == [name], "the child got " + ("the value" if got == [name] else "the path"))


def batch_machine() -> dict[str, Any]:
    """Return a state machine of one Distributed Map; its child returns what it got."""
    child = {"Type": "Pass", "End": True}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Child",
        "States": {"Child": child},
    }
    batch = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemBatcher": {"MaxItemsPerBatch": 1, "BatchInput": {"name.$": "$.name"}},
        "ItemProcessor": processor,
        "End": True,
    }
    return {"StartAt": "Batch", "States": {"Batch": batch}}


def observe_deployment_quota(environment: Environment) -> Observation:
    """Look for a quota of how many deployments there may be, by its name."""
    name = "deployment-quota"
    try:
        pages = environment.aws.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
        names = [quota["QuotaName"] for page in pages for quota in page["Quotas"]]
    except ClientError as error:
        return unseen(name, explain(error))
    return judge_quotas(names)


def judge_quotas(names: Sequence[str]) -> Observation:
    """Return what the names of an account's quotas say.

    Args:
        names: All of Bedrock's.
    """
    about = [name for name in names if "custom model deployment" in name.lower() and "token" not in name.lower()]
    if not names:
        return unseen("deployment-quota", "the account lists no quota of Bedrock")
    named = all("custom model deployments" in name.lower() for name in about)
    words = f"{len(names)} quotas, {len(about)} of them of deployments{': ' if about else ''}{'; '.join(about)}"
    return holds("deployment-quota", named, words)


def observe_high_effort(environment: Environment) -> Observation:
    """Call the base model that reasons at effort `high`, without a token limit and with one."""
    name = "high-effort"
    model = next(model for model in BASE_MODELS if model.reasoning)
    decoding = Decoding(max_tokens=_TOKENS, temperature=1.0, reasoning_effort="high")
    plain = converse_request(model.inference_id, _ROW, decoding, model)
    limited = {**plain, "inferenceConfig": {"maxTokens": _TOKENS, "temperature": 1.0}}
    runtime = environment.aws.bedrock_runtime
    without, both = (attempt(partial(runtime.converse, **asked)) for asked in (plain, limited))
    words = f"without limit and sampling: {without}; with both: {both}"
    if without != ALLOWED or both not in (ALLOWED, "ValidationException"):
        return unseen(name, words)
    return holds(name, both != ALLOWED, words)
