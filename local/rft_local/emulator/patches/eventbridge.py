"""EventBridge patches: what a rule may reach, and how it reaches it."""

from __future__ import annotations

import json
import logging
from typing import Any

from rft_local.emulator.authorization import evaluation_context, simulate
from rft_local.emulator.environment import ACCOUNT
from rft_local.emulator.upstream import replace, require, wrap

SERVICE = "services.eventbridge"
EVENTS = "events.amazonaws.com"
RESOURCE_POLICY_ACTIONS = {"lambda": "lambda:InvokeFunction", "sns": "sns:Publish", "sqs": "sqs:SendMessage"}

logger = logging.getLogger("rft.eventbridge")


def authorize_rule_targets() -> None:
    """Delivers an event only where the rule's role or the target's own policy allows it.

    Gap: ministack delivers to every target.
    AWS: a state machine is started with the target's role; a function, topic or queue must allow
    `events.amazonaws.com` in its own policy (EventBridge User Guide, "Using identity-based policies for Amazon
    EventBridge" and "Using resource-based policies for Amazon EventBridge"). A refused delivery is dropped, as there.
    """

    def invoke(original: Any, target: Any, event: Any, rule: Any, *arguments: Any, **options: Any) -> Any:
        refusal = _refusal(target, rule)
        if refusal:
            logger.warning("event not delivered by rule %s: %s", rule.get("Name"), refusal)
            return None
        return original(target, event, rule, *arguments, **options)

    wrap(SERVICE, "_invoke_target", invoke)


def _refusal(target: Any, rule: Any) -> str:
    """Why a rule may not reach a target; empty when it may."""
    arn = str(target.get("Arn", ""))
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "states":
        if not target.get("RoleArn"):
            return f"the target {arn} has no role"
        decision = simulate(target["RoleArn"], "states:StartExecution", arn, {})
        return "" if decision.allowed else decision.reason
    action = RESOURCE_POLICY_ACTIONS.get(service)
    if action is None:
        return ""
    found = require("core.iam_evaluator", "_resource_policy")(service, arn)
    if found is None:
        return f"the target {arn} does not exist"
    context = {"aws:SourceArn": rule.get("Arn", ""), "aws:SourceAccount": ACCOUNT}
    question = evaluation_context(EVENTS, action, arn, context)
    result = require("core.iam_evaluator", "evaluate_resource_policy")(found[0], question, service=EVENTS)
    return "" if result.decision == "Allow" else f"the policy of {arn} does not let {EVENTS} perform {action}"


def deliver_to_functions_asynchronously() -> None:
    """Delivers events to Lambda as asynchronous invocations.

    Gap: ministack runs the function once, without retries and without a failure destination.
    AWS: EventBridge invokes asynchronously, so that two retries and the function's event-invoke configuration apply
    ("How Lambda handles errors and retries with asynchronous invocation").
    """
    replace(SERVICE, "_dispatch_to_lambda", _deliver_to_function)


def _deliver_to_function(arn: str, payload: str) -> None:
    """Starts the asynchronous invocation of one event."""
    try:
        event = json.loads(payload)
    except ValueError:
        event = {"body": payload}
    function, config, name = require("services.lambda_svc", "_get_func_record_for_ref")(arn)
    if not function or not config:
        logger.warning("event not delivered: the function %s does not exist", name)
        return
    record = require("services.lambda_svc", "_execution_record_for_config")(function, {**config, "FunctionArn": arn})
    require("services.lambda_svc", "invoke_async_with_retry")(record, event)
