"""What applications get, and what bills beside it."""

from dataclasses import dataclass

from rft_contract.naming import live_deployment_name, release_parameter
from rft_runtime.releases.current import Current
from rft_runtime.releases.release_store import release_store
from tests.unit.fakes.aws import FakeAws

LINE = "ticket-routing"
"""Of the usual recipe."""

LIVE = live_deployment_name("dev", LINE)
_ARN = "customModelDeploymentArn"


@dataclass(frozen=True)
class Live:
    """What applications get.

    Args:
        release: Number of the live release; None: there is none.
        serves: Model behind the line's deployment; None: there is no deployment.
        parameters: Values in SSM.
    """

    release: int | None
    serves: str | None
    parameters: tuple[str | None, ...]


def live_of(aws: FakeAws) -> Live:
    """Return what applications get now."""
    deployment = aws.bedrock.deployments.get(LIVE)
    names = [release_parameter("dev", LINE, name) for name in ("model", "deployment", "release")]
    return Live(
        release=current_of(aws).release,
        serves=None if deployment is None else deployment["modelArn"],
        parameters=tuple(aws.ssm.parameters.get(name) for name in names),
    )


def current_of(aws: FakeAws) -> Current:
    """Return what is live on the line, as the platform has it."""
    return release_store(aws.platform()).current(LINE)


def left_in(aws: FakeAws) -> list[str]:
    """Return what bills and serves no application: jobs that go on, deployments of candidates, aliases of runs.

    A deployment without tags is somebody else's.
    """
    jobs = [f"job {name}" for name, job in aws.bedrock.jobs.items() if job["status"] == "InProgress"]
    ours = {name for name, found in aws.bedrock.deployments.items() if aws.bedrock.tags.get(found[_ARN])}
    return [
        *jobs,
        *(f"deployment {name}" for name in sorted(ours - {LIVE})),
        *(f"alias {name}" for _, name in aws.functions.aliases),
    ]
