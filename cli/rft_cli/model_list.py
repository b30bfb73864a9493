"""The custom models and deployments of an environment, with what becomes of each."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from rft_cli.environment import Environment
from rft_cli.releases import release_store
from rft_contract.naming import check_environment
from rft_runtime.model_retention import Fate, ModelCatalog, Retention
from rft_runtime.run_record import RunStore


def list_models(environment: Environment, *, only_orphans: bool) -> Iterator[Fate]:
    """List models, then deployments, oldest first.

    Args:
        environment: Where.
        only_orphans: Whether to leave out what a release, a deployment or a run needs.

    Raises:
        ValueError: When the environment's own name is not known, because only its stack was named.
    """
    check_environment(environment.name)
    outputs = environment.outputs
    catalog = ModelCatalog(environment.aws.bedrock, RunStore(environment.bucket), release_store(environment))
    retention = Retention(keep_releases=outputs.keep_releases, rejected_days=outputs.rejected_model_days)
    for found in (catalog.models(retention, datetime.now(UTC)), catalog.deployments()):
        yield from (fate for fate in found if not (only_orphans and fate.needed))


def table(fates: list[Fate]) -> Table:
    """Return the list for a terminal."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("kind", "name", "created (UTC)", "run", "release", "", "reason"):
        drawn.add_column(heading, overflow="fold", no_wrap=heading not in ("name", "reason"))
    for fate in fates:
        release = "-" if fate.release is None else f"{fate.line} {fate.release}"
        drawn.add_row(
            fate.kind,
            Text(fate.name),
            f"{fate.created:%Y-%m-%d %H:%M}",
            Text(fate.run_id or "-"),
            Text(release),
            Text("goes", "yellow") if fate.goes else Text("stays", "green" if fate.needed else ""),
            Text(fate.reason, "dim"),
        )
    return drawn
