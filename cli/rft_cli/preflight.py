"""An environment looked over with the caller's own credentials."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.plan_facts import plan_facts
from rft_contract.recipe import Recipe
from rft_runtime.base_models import BASE_MODELS, base_model
from rft_runtime.grader_metrics import grader_time
from rft_runtime.planning.grader_time import recommended_concurrency
from rft_runtime.preflight.checks import preflight
from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.preflight.place import Place

_STYLES = {
    Severity.OK: "green",
    Severity.UNKNOWN: "dim",
    Severity.WARNING: "yellow",
    Severity.ERROR: "bold red",
}


def look(environment: Environment, recipe: Recipe | None, tell: Callable[[str], None]) -> list[Finding]:
    """Make every check that the caller's credentials allow.

    Args:
        environment: A deployed one.
        recipe: Whose needs are checked. None: every reward and base model of the environment.
        tell: Told the name of each check.

    Raises:
        CliError: When the recipe names a reward or model that the environment does not have.
    """
    facts = plan_facts(environment)
    region, rewards = environment.outputs.state_machine_arn.split(":")[3], environment.outputs.rewards
    if recipe is None:
        models = tuple(
            model
            for model in BASE_MODELS
            if (not model.regions or region in model.regions) and model.embedded_only == environment.is_local
        )
    else:
        if recipe.reward not in rewards:
            raise CliError(f"recipe.reward: got {recipe.reward!r}, environment has {', '.join(sorted(rewards))}")
        rewards = {recipe.reward: rewards[recipe.reward]}
        try:
            models = (base_model(recipe.base_model, region),)
        except ValueError as error:
            raise CliError(str(error)) from None
    needed = None
    if recipe is not None:
        time = grader_time(
            environment.aws.cloudwatch,
            environment=facts.settings.environment,
            reward=recipe.reward,
            facts=facts.resources.facts_of(recipe.reward),
            now=datetime.now(UTC),
        )
        needed = recommended_concurrency(recipe, time)
    return preflight(
        Place(
            clients=environment.aws,
            region=region,
            bucket=environment.outputs.bucket,
            key_arn=environment.outputs.key_arn,
            role_arn=facts.resources.customization_role_arn,
            rewards=rewards,
            models=models,
            release_key_arn=environment.outputs.release_key_arn,
            concurrency=needed,
            invokes=True,
        ),
        tell,
    )


def lines(findings: Sequence[Finding]) -> Iterator[Text]:
    """Yield findings for a terminal, each with its remedy below it."""
    for finding in findings:
        yield Text.assemble((f"{finding.severity:<8}", _STYLES[finding.severity]), f" {finding.check}: {finding.found}")
        if finding.remedy:
            yield Text(f"         -> {finding.remedy}", "dim")
