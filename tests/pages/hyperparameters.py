"""The tables of docs/hyperparameters.md, from the bounds, the defaults and the arithmetic of a job."""

from dataclasses import fields
from math import inf

from rft_contract import hyperparameters
from rft_contract.hyperparameters import REASONING_EFFORTS, Hyperparameters
from tests.pages.part import table

JOBS = tuple(
    Hyperparameters(epochCount=epochs, batchSize=batch, trainingSamplePerPrompt=group)
    for epochs, batch, group in ((1, 32, 8), (1, 128, 8), (2, 64, 4), (6, 128, 4), (3, 512, 16))
)
"""What is reckoned through for 1,000 prompts."""
PROMPTS = 1000
SUCCESSES = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95)
GROUPS = (2, 4, 8, 16)


def bounds() -> str:
    """Return what Bedrock accepts and what a recipe leaves out."""
    defaults = Hyperparameters()
    rows = [
        [f"`{item.name}`", _accepted(item.name), _default(getattr(defaults, item.name))] for item in fields(defaults)
    ]
    return table(["hyperparameter", "Bedrock accepts", "a recipe that does not say"], rows)


def work() -> str:
    """Return the steps and rollouts of jobs on `PROMPTS` prompts."""
    rows = []
    for job in JOBS:
        rollouts = PROMPTS * job.epochCount * job.trainingSamplePerPrompt
        step = job.batchSize * job.trainingSamplePerPrompt
        numbers = [job.steps(PROMPTS), step, rollouts, rollouts * job.inferenceMaxTokens]
        asked = [job.epochCount, job.batchSize, job.trainingSamplePerPrompt]
        rows.append([f"{number:,}" for number in (*asked, *numbers)])
    longest = f"completion tokens, at most (`inferenceMaxTokens` {Hyperparameters().inferenceMaxTokens:,})"
    asked_for = ["`epochCount`", "`batchSize`", "`trainingSamplePerPrompt`"]
    return table([*asked_for, "steps", "rollouts a step", "rollouts", longest], rows, numbers=7)


def gradients() -> str:
    """Return the share of groups whose rollouts are not all right and not all wrong, 1 - p^G - (1 - p)^G."""
    rows = [
        [f"{100 * p:.0f} %", *(f"{100 * (1 - p**size - (1 - p) ** size):.0f} %" for size in GROUPS)] for p in SUCCESSES
    ]
    return table(["the base model is right in", *(f"groups of {size}" for size in GROUPS)], rows, numbers=len(GROUPS))


def _accepted(name: str) -> str:
    if name not in hyperparameters._BOUNDS:
        return ", ".join(f"`{effort}`" for effort in REASONING_EFFORTS)
    low, high = hyperparameters._BOUNDS[name]
    words = f"from {low:g}" if high == inf else f"{low:g} to {high:g}"
    return words if name == "learningRate" else f"whole numbers {words}"


def _default(value: object) -> str:
    if value is None:
        return "leaves it out"
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"
