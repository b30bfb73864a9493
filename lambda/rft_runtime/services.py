"""What graders need besides the samples, made from a reward function's environment variables.

Making a service loads no third-party package, and no module of its own unless its variable is there: most rewards need
none, and their start is waited for.
"""

from collections.abc import Mapping

from rft_contract.services import CODE_RUNNER_ARN, CODE_RUNNER_SECONDS, JUDGE_MODEL_IDS
from rft_rewards.deadline import Deadline


def make_services(environment: Mapping[str, str], *, deadline: Deadline) -> dict[str, object]:
    """Return the services that a function with these variables has, by the names of `rft_contract.graders`.

    Args:
        environment: Environment variables.
        deadline: Of the event that is being graded; the handler sets it anew for each.
    """
    services: dict[str, object] = {"deadline": deadline}
    if arn := environment.get(CODE_RUNNER_ARN):
        services["runner"] = _runner(arn, float(environment[CODE_RUNNER_SECONDS]))
    if models := environment.get(JUDGE_MODEL_IDS):
        services["judge"] = _judge(frozenset(models.split(",")), deadline)
    return services


def _judge(models: frozenset[str], deadline: Deadline) -> object:
    """Return the judge that may ask these models."""
    from rft_runtime.bedrock_judge import BedrockJudge

    return BedrockJudge(deadline, models=models)


def _runner(function_arn: str, longest_seconds: float) -> object:
    """Return the runner of untrusted code."""
    from rft_runtime.code_runner import CodeRunner, LambdaInvoke

    return CodeRunner(LambdaInvoke(function_arn), longest_seconds=longest_seconds)
