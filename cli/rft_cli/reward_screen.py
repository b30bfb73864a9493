"""What `rft reward test` shows: one screen with what failed, on which case, and why."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rft_cli.reward_trial import Trial, TriedCase
from rft_contract.json_value import JsonObject
from rft_rewards.grade import Score

_SHOWN = 15
_HEAD = 60


def trial_screen(trial: Trial) -> RenderableType:
    """Return a trial for a terminal."""
    good = [one for one in trial.tried if one.is_good]
    bad = [one for one in trial.tried if not one.is_good]
    verdict = Text("PASSED", "bold green") if trial.passed else Text("FAILED", "bold red")
    demand = trial.thresholds
    lines: list[RenderableType] = [
        Text.assemble(
            verdict,
            f"  {trial.spec.name} ({trial.spec.grader}): {_right(good)} good, {_right(bad)} bad as wanted, "
            f"in {trial.milliseconds:.0f} ms",
        ),
        Text(
            f"good ones must score at least {demand.pass_at:g}, bad ones at most {demand.pass_at - demand.margin:g}, "
            f"of 0 to 1; means: good {trial.mean(good=True):.2f}, bad {trial.mean(good=False):.2f}",
            "dim",
        ),
    ]
    if trial.by_mean:
        lines.append(Text("a judge's grades vary, so means decide and single cases are only listed", "dim"))
    if trial.stand_in:
        lines.append(
            Text(
                "judge: a stand-in graded (words, length, repetition), no evidence; --ask-judge asks the model",
                "yellow",
            )
        )
    if trial.lacking:
        lines.append(Text(trial.lacking, "yellow"))
    if trial.failed:
        lines += [Text(), _table(trial)]
    return Group(*lines)


def trial_json(trial: Trial) -> JsonObject:
    """Return a trial for programs."""
    return {
        "reward": trial.spec.name,
        "passed": trial.passed,
        "pass_at": trial.thresholds.pass_at,
        "margin": trial.thresholds.margin,
        "milliseconds": trial.milliseconds,
        "judge_stand_in": trial.stand_in,
        "lacking": trial.lacking,
        "completions": [_completion_json(one) for one in trial.tried],
    }


def _completion_json(one: TriedCase) -> JsonObject:
    """Return one completion for programs."""
    about: JsonObject = {"case": one.case, "name": one.name, "as_wanted": one.as_wanted}
    if isinstance(one.grade, Score):
        components: JsonObject = dict(one.grade.components)
        return {**about, "score": one.grade.value, "why": one.grade.explanation, "components": components}
    return {**about, "score": None, "why": one.cause or one.grade.reason, "components": {}}


def _right(tried: list[TriedCase]) -> str:
    """Return how many were graded as wanted, of how many."""
    return f"{sum(one.as_wanted for one in tried)} of {len(tried)}"


def _table(trial: Trial) -> Table:
    """Return the completions that failed."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("case", "completion", "score", "why"):
        table.add_column(heading, overflow="fold")
    for one in trial.failed[:_SHOWN]:
        score = f"{one.grade.value:.3g}" if isinstance(one.grade, Score) else "invalid"
        why = one.grade.explanation if isinstance(one.grade, Score) else one.cause or one.grade.reason
        head = " ".join(one.text.split())
        table.add_row(
            Text(f"{one.case}, {one.name}"),
            Text(head if len(head) <= _HEAD else f"{head[:_HEAD]}..."),
            Text(score, "red"),
            Text(why, "dim"),
        )
    if len(trial.failed) > _SHOWN:
        table.add_row(Text(f"and {len(trial.failed) - _SHOWN} more: --json has all"))
    return table
