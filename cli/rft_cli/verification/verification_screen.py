"""A trial on the screen: what it will do, and what it saw."""

from collections.abc import Iterator

from rich.table import Table

from rft_cli.verification import trial_data
from rft_cli.verification.observation import Verdict
from rft_cli.verification.result import Verification
from rft_cli.verification.trial import Trial

_STYLES = {Verdict.HOLDS: "green", Verdict.FALSE: "bold red", Verdict.UNSEEN: "dim"}


def plan_lines(trial: Trial) -> Iterator[str]:
    """Yield what a trial will make and use, from the least to the most.

    Args:
        trial: Before it runs.
    """
    asked = trial_data.HYPERPARAMETERS
    yield f"{len(trial.looks)} assumptions, {trial.model.customization_id}"
    yield f"everything that it makes is named {trial.name}, and removed at the end"
    if not trial.has_jobs:
        yield "no customization job"
        return
    rollouts, longest = trial_data.ROLLOUTS, asked.inferenceMaxTokens
    prompts = asked.maxPromptLength
    yield (
        f"job 1, stopped once its reward function is called: {asked.batchSize * asked.trainingSamplePerPrompt} to "
        f"{rollouts} rollouts, each at most {prompts} tokens of prompt and {longest} of completion"
    )
    if trial.full:
        rounds = asked.steps(trial_data.ROWS) // asked.evalInterval + 1
        most = rollouts + rounds * trial_data.VALIDATION_ROWS * asked.trainingSamplePerPrompt
        yield f"job 2, to its end: {rollouts} to {most} rollouts of the same size; its model deployed, called 3 times"
    yield "AWS publishes no price of such a job: it may be billed by tokens or by hours; a job takes hours"


def result_table(found: Verification) -> Table:
    """Return what is known, as a table.

    Args:
        found: What a trial found.
    """
    table = Table("assumption", "seen", "evidence", box=None, pad_edge=False)
    for name, seen in found.observations.items():
        verdict = seen.observation.verdict
        table.add_row(name, f"[{_STYLES[verdict]}]{verdict}[/]", seen.observation.evidence.replace("[", "\\["))
    return table
