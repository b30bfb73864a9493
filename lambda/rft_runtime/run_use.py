"""What a run uses, noted in its record while it goes on and held against the recipe's limits."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.outcomes import OverLimit
from rft_contract.prices import UnitPrice
from rft_runtime.failures import explain
from rft_runtime.graded import Drawn
from rft_runtime.job_metrics import run_totals
from rft_runtime.planning.limits import exceeded
from rft_runtime.planning.money import priced
from rft_runtime.planning.quantity import NOTHING, Quantity
from rft_runtime.planning.spending import used_so_far, work_of
from rft_runtime.platform import Platform
from rft_runtime.run_record import RunRecord, RunStore


def note_spent(runs: RunStore, run_id: str, drawn: Mapping[str, Drawn]) -> RunRecord:
    """Write down what parts of a run drew that are over.

    Args:
        runs: The records.
        run_id: The run.
        drawn: Part -> its completions; parts that Plan did not expect are left out.
    """
    record = runs.load_running(run_id)
    planned = {} if record.estimate is None else record.estimate.parts
    spent = {
        part: work_of(planned[part], done.rollouts, done.tokens_out) for part, done in drawn.items() if part in planned
    }
    return runs.set(run_id, spent={**record.spent, **spent})


def note_use(platform: Platform, record: RunRecord, now: datetime) -> RunRecord:
    """Write down what a run has used so far.

    Metrics arrive late and may be lost, so it is at least what they say. Where they cannot be read, that is noted, and
    what was known before stays.

    Args:
        platform: Where this runs.
        record: The run's record.
        now: When.

    Returns:
        The new record.
    """
    if record.estimate is None:
        return record
    recipe, facts = record.parsed_recipe(), record.parsed_resources()
    try:
        totals = run_totals(platform.clients.cloudwatch, record.run_id, record.started, now)
    except (ClientError, BotoCoreError) as error:
        return platform.runs.set(record.run_id, unwatched=explain(error))
    used = used_so_far(
        recipe,
        record.estimate,
        facts.facts_of(recipe.reward),
        totals,
        over=record.spent,
        training_hours=_hours(record.job_started, record.stages.get("Deploy", now)),
        deployment_hours=_deployment_hours(record, now),
    )
    prices = [UnitPrice.from_json(price) for price in record.prices]
    used = msgspec.structs.replace(priced(used, prices, now.date()), warnings=[])
    return platform.runs.set(record.run_id, used=used, unwatched=None)


def hold_limits(platform: Platform, record: RunRecord, now: datetime) -> RunRecord:
    """Write down what a run has used, and refuse to go on where a limit has certainly been passed.

    Args:
        platform: Where this runs.
        record: The run's record.
        now: When.

    Returns:
        The new record.

    Raises:
        OverLimit: When the low end of what was used lies above a limit; the caller stops what still uses more.
    """
    record = note_use(platform, record, now)
    if record.used is not None and (passed := exceeded(record.parsed_recipe().limits, record.used)):
        raise OverLimit("; ".join(passed))
    return record


def _deployment_hours(record: RunRecord, now: datetime) -> Quantity:
    """Return how long the candidate's deployment has stood: made in Deploy, it serves in Evaluate at the latest."""
    if "Deploy" not in record.stages:
        return NOTHING
    return Quantity(_hours(record.stages.get("Evaluate"), now), _hours(record.stages["Deploy"], now))


def _hours(start: datetime | None, end: datetime) -> float:
    return 0.0 if start is None else max(0.0, (end - start).total_seconds() / 3600)
