"""What an environment's stack tells Plan, read from the definition of its workflow."""

import json

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.plan_facts import PlanFacts


def plan_facts(environment: Environment) -> PlanFacts:
    """Return the settings, resources and prices with which runs of an environment are planned.

    Args:
        environment: A deployed one.

    Raises:
        CliError: When the workflow's definition cannot be read, or is of another version of the platform.
    """
    from botocore.exceptions import ClientError

    states = environment.aws.states
    try:
        found = states.describe_state_machine(stateMachineArn=environment.outputs.state_machine_arn)
    except ClientError as error:
        raise CliError(f"environment {environment.name}: its workflow cannot be read: {error}") from None
    try:
        return PlanFacts.from_json(json.loads(found["definition"])["States"]["Plan"]["Parameters"])
    except (KeyError, TypeError, ValueError) as error:
        raise CliError(
            f"environment {environment.name}: its workflow is of another version of the platform ({error}); deploy "
            "this one"
        ) from None
