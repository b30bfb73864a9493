"""What a probe means for the run: whether training can teach the base model anything, and what to do otherwise."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from rft_contract.recipe import Recipe
from rft_dataset.rules import FEWEST_ROWS
from rft_runtime.probing.probe_sample import ProbeSample
from rft_runtime.probing.probe_statistics import ProbedPrompt, ProbeMeasures
from rft_runtime.probing.weighted_bootstrap import Estimate
from rft_runtime.statistics import RESAMPLES, SEED


class Verdict(StrEnum):
    """What a probe means."""

    SFT_FIRST = "sft first"
    SOLVED = "already solved"
    THIN = "thin"
    RFT = "rft"

    @property
    def is_feasible(self) -> bool:
        """Whether reinforcement fine-tuning can teach something."""
        return self in (Verdict.THIN, Verdict.RFT)


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What Probe found, `runs/<run>/probe.json`.

    Args:
        verdict: `rft`, `thin` (a warning), `sft first` or `already solved`.
        words: One line about it.
        measures: The base model on the training prompts.
        rows: Training rows.
        prompts: Those that were probed.
        samples: Rollouts of each.
        group: Rollouts of one of the job's groups.
        success_at: Reward from which a rollout counts as a success.
        temperature: Sampling temperature.
        strata: What the sample was stratified by: `difficulty` or `reference`, both with length; or `length` alone.
        drop: Training rows that the base model always solved, which the job could leave out.
        dropped: Whether the job leaves them out.
        resamples: Bootstrap resamples.
        seed: Of the bootstrap.
    """

    verdict: Verdict
    words: str
    measures: ProbeMeasures
    rows: int
    prompts: int
    samples: int
    group: int
    success_at: float
    temperature: float
    strata: str
    drop: list[int]
    dropped: bool
    resamples: int = RESAMPLES
    seed: int = SEED


def judge(measures: ProbeMeasures, recipe: Recipe) -> Verdict:
    """Return what a probe means, from the far ends of its intervals: in doubt, the run goes on.

    Args:
        measures: What it found.
        recipe: The run's.
    """
    limits = recipe.probe
    low, high = measures.success.ci95
    if high < limits.sft_below:
        return Verdict.SFT_FIRST
    if low > limits.solved_above:
        return Verdict.SOLVED
    return Verdict.THIN if measures.usable.ci95[1] < limits.thin_below else Verdict.RFT


def result_of(
    prompts: Sequence[ProbedPrompt],
    measures: ProbeMeasures,
    sample: ProbeSample,
    *,
    recipe: Recipe,
    samples: int,
    ends_runs: bool,
) -> ProbeResult:
    """Put a probe's result together.

    Args:
        prompts: What was probed.
        measures: What was found.
        sample: Which prompts were drawn.
        recipe: The run's.
        samples: Rollouts that each prompt was asked for.
        ends_runs: Whether an infeasible run ends here.
    """
    rows = sum(stratum.rows for stratum in sample.strata)
    verdict = judge(measures, recipe)
    drop = always_solved(prompts, rows=rows, recipe=recipe)
    words = list(_words(verdict, measures, recipe, f"{len(prompts):,} prompts, {samples} rollouts each"))
    if not verdict.is_feasible and not ends_runs:
        words.append("the run goes on: a stand-in answers here, which says nothing about the base model")
    return ProbeResult(
        verdict=verdict,
        words="; ".join(words),
        measures=measures,
        rows=rows,
        prompts=len(prompts),
        samples=samples,
        group=recipe.hyperparameters.trainingSamplePerPrompt,
        success_at=recipe.gate.success_at,
        temperature=recipe.probe.temperature,
        strata=sample.by,
        drop=drop,
        dropped=recipe.probe.drop_solved and bool(drop),
    )


def always_solved(prompts: Sequence[ProbedPrompt], *, rows: int, recipe: Recipe) -> list[int]:
    """Return the rows that the job could leave out. Those that always fail stay: at larger groups many are mixed.

    Args:
        prompts: What was probed.
        rows: Training rows; a batch of them, and at least Bedrock's 100, must stay.
        recipe: The run's.
    """
    spare = rows - max(FEWEST_ROWS, recipe.hyperparameters.batchSize)
    solved = [prompt.row for prompt in prompts if prompt.always_solved(recipe.gate.success_at)]
    return solved[: max(0, spare)]


def _words(verdict: Verdict, measures: ProbeMeasures, recipe: Recipe, tried: str) -> Iterator[str]:
    limits, group = recipe.probe, recipe.hyperparameters.trainingSamplePerPrompt
    success = f"the base model succeeds in {_share(measures.success)} of its rollouts ({tried})"
    usable = f"{_share(measures.usable)} of groups of {group} have a gradient"
    match verdict:
        case Verdict.SFT_FIRST:
            yield f"sft first: {success}, below probe.sft_below {_percent(limits.sft_below)}"
            yield (
                "there is next to nothing to reinforce: fine-tune the base model on worked answers first, or start "
                "with easier prompts, or lower gate.success_at where less than that is a success"
            )
        case Verdict.SOLVED:
            yield f"already solved: {success}, above probe.solved_above {_percent(limits.solved_above)}"
            yield "there is next to nothing left to learn: use the base model as it is, or train on harder prompts"
        case Verdict.THIN:
            yield success
            yield (
                f"thin: {usable}, below probe.thin_below {_percent(limits.thin_below)}, and the job pays for the "
                "others too: raise trainingSamplePerPrompt, or train on prompts of middling difficulty"
            )
        case Verdict.RFT:
            yield success
            yield usable
    if measures.invalid.ci95[0] > recipe.training.max_invalid_share:
        yield (
            f"{_share(measures.invalid)} of rollouts have no grade, and the job will be stopped above "
            f"training.max_invalid_share {_percent(recipe.training.max_invalid_share)}: mend the reward function first"
        )


def _share(estimate: Estimate) -> str:
    low, high = estimate.ci95
    return f"{_percent(estimate.value)} (95 % {_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
