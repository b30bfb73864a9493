"""What applications use of an environment: the live deployments, and what stands around them outside the stack."""

import re
from collections.abc import Iterator

import msgspec
from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.releases import release_store
from rft_contract.naming import check_environment, live_alarm_name, stack_name
from rft_contract.tags import ENVIRONMENT_TAG, LINE_TAG, LIVE_ROLE, ROLE_TAG
from rft_runtime.failures import error_code, explain
from rft_runtime.releases.current import Current
from rft_runtime.stray import tags_of

_PARAMETER = re.compile(r"/[^/]+/(model|deployment|release)")
_BATCH = 10
"""Parameters that one DeleteParameters takes (Systems Manager API)."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What promotions made and no stack owns.

    Args:
        deployments: Model line -> ARN of its deployment.
        alarms: Names of the alarms on them.
        parameters: Names of the SSM parameters about them.
    """

    deployments: dict[str, str]
    alarms: list[str]
    parameters: list[str]

    @property
    def names(self) -> list[str]:
        """Everything by name, as a person is told."""
        return [
            *(f"deployment {arn} of line {line}" for line, arn in self.deployments.items()),
            *(f"alarm {name}" for name in self.alarms),
            *(f"parameter {name}" for name in self.parameters),
        ]


def find_live(environment: Environment) -> Live:
    """Find what is live in an environment.

    Raises:
        ValueError: When the environment's own name is not known, because only its stack was named.
    """
    name = check_environment(environment.name)
    return Live(
        deployments=dict(_deployments(environment)),
        alarms=[
            alarm["AlarmName"]
            for page in environment.aws.cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=live_alarm_name(name, "")
            )
            for alarm in page["MetricAlarms"]
        ],
        parameters=[
            parameter["Name"]
            for page in environment.aws.ssm.get_paginator("get_parameters_by_path").paginate(
                Path=f"/{stack_name(name)}/", Recursive=True
            )
            for parameter in page["Parameters"]
            if _PARAMETER.fullmatch(parameter["Name"].removeprefix(f"/{stack_name(name)}"))
        ],
    )


def remove_live(environment: Environment, live: Live) -> None:
    """Take what is live out of service. Manifests and models stay, so a later run can be promoted again.

    The lines say first that nothing is live, so that no later run is compared with what is gone.

    Raises:
        CliError: When a line's deployment is being changed, or AWS refuses.
    """
    store = release_store(environment)
    for line in sorted({*store.lines(), *live.deployments}):
        store.update(line, _withdrawn)
    for line, arn in live.deployments.items():
        try:
            environment.aws.bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise CliError(f"line {line}: {explain(error)}; `rft teardown --live` tries again") from error
    if live.alarms:
        environment.aws.cloudwatch.delete_alarms(AlarmNames=live.alarms)
    for first in range(0, len(live.parameters), _BATCH):
        environment.aws.ssm.delete_parameters(Names=live.parameters[first : first + _BATCH])


def _deployments(environment: Environment) -> Iterator[tuple[str, str]]:
    """Find line and ARN of every deployment that is tagged as live and as this environment's."""
    bedrock, prefix = environment.aws.bedrock, f"{environment.name}-"
    for page in bedrock.get_paginator("list_custom_model_deployments").paginate(nameContains=prefix):
        for found in page["modelDeploymentSummaries"]:
            if found["customModelDeploymentName"].startswith(prefix):
                tags = tags_of(bedrock, found["customModelDeploymentArn"])
                if (tags.get(ROLE_TAG), tags.get(ENVIRONMENT_TAG)) == (LIVE_ROLE, environment.name):
                    yield tags.get(LINE_TAG, "?"), found["customModelDeploymentArn"]


def _withdrawn(current: Current) -> Current:
    """Return the line with nothing live; what was live stays in its history."""
    if current.change is not None:
        raise CliError(
            f"line {current.line}: {current.change.kind.lower()} by {current.change.id} is under way; try again in "
            "half an hour, when it is finished or taken back"
        )
    return msgspec.structs.replace(current, release=None, model_arn=None, deployment_arn=None, manifest_sha256=None)
