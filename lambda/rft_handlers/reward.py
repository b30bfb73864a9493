"""The reward function: what Bedrock calls with rollouts, and Evaluate with held-out completions.

The asset holds one reward as `reward.json` beside the packages. Standard library only, because its start is waited for.
"""

import functools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.naming import RUN_ID, reward_alias
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_rewards.deadline import Deadline
from rft_rewards.grade import AnyGrader
from rft_rewards.registry import build
from rft_runtime.answered_events import AnsweredEvents, event_digest
from rft_runtime.grading import grade_event, results, without_components
from rft_runtime.judge_usage import judge_usage
from rft_runtime.reward_events import read_event
from rft_runtime.services import make_services
from rft_runtime.telemetry import documents

RESPONSE_LIMIT = 6 * 1024 * 1024
"""Bytes of a synchronous Lambda response (Lambda developer guide, quotas)."""

_ANSWERED = AnsweredEvents()

_RESERVE_SECONDS = 2.0
"""What metrics and response need after grading."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that is read."""

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that was called, with its qualifier."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the call may still take."""
        ...


def handler(event: JsonValue, context: LambdaContext) -> list[JsonObject]:
    """Grade one event and print its metrics.

    Args:
        event: Bedrock's list of samples.
        context: Lambda's context.

    Returns:
        Bedrock's list of results, in the event's order.

    Raises:
        ValueError: When the event or the reward has the wrong form, or the response cannot fit 6 MB.
        TransientFailure: When nothing in the event could be graded for a cause that a retry may cure.
    """
    spec, grader, deadline, services = _reward()
    deadline.restart(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
    asked_before = judge_usage(services)
    started = time.perf_counter()
    items = read_event(event)
    graded = grade_event(items, grader, spec)
    digest = event_digest(items)
    emitted = documents(
        graded,
        reward=spec.name,
        environment=os.environ["RFT_ENVIRONMENT"],
        alias_run=run_of(context.invoked_function_arn),
        milliseconds=(time.perf_counter() - started) * 1000,
        timestamp=time.time_ns() // 1_000_000,
        digest=digest,
        regraded=digest in _ANSWERED,
        asked=judge_usage(services).since(asked_before),
    )
    for document in emitted:
        print(json.dumps(document, separators=(",", ":")))
    # Metrics come first: an event that raises is one that somebody will look for.
    response = fitted(results(graded))
    _ANSWERED.add(digest)
    return response


def run_of(function_arn: str) -> str | None:
    """Return the run id in the alias of a called function's ARN, or None when it names no run's alias."""
    qualifier = "".join(function_arn.split(":")[7:])
    run_id = qualifier.removeprefix(reward_alias(""))
    return run_id if run_id != qualifier and RUN_ID.fullmatch(run_id) else None


def fitted(response: list[JsonObject]) -> list[JsonObject]:
    """Return a response that Lambda can send: without the components, which are optional, when it is too large.

    Raises:
        ValueError: When it is too large even so.
    """
    for candidate in (response, without_components(response)):
        if len(json.dumps(candidate)) <= RESPONSE_LIMIT:
            return candidate
    raise ValueError(f"response: {len(response)} results do not fit Lambda's 6 MB; send fewer samples an event")


class _Reward(NamedTuple):
    """The asset's reward, ready to grade.

    Args:
        spec: What it is.
        grader: Its grader.
        deadline: Of the event that is being graded; the grader looks at it.
        services: What the grader was given.
    """

    spec: RewardSpec
    grader: AnyGrader
    deadline: Deadline
    services: Mapping[str, object]


@functools.cache
def _reward() -> _Reward:
    """Return the asset's reward; read once a process."""
    root = Path(os.environ.get("LAMBDA_TASK_ROOT") or Path(__file__).parents[1])
    spec = RewardSpec.from_json(json.loads((root / FILE_NAME).read_text(encoding="utf-8")))
    deadline = Deadline()
    services = make_services(os.environ, deadline=deadline)
    return _Reward(spec, build(spec, services), deadline, services)
