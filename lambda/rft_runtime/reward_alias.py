"""The per-run alias of a reward function: a deploy in the middle of a run changes nothing for it."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_contract.naming import reward_alias
from rft_contract.outcomes import RunFailed
from rft_runtime.failures import error_code

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

LIVE = "live"
"""The alias that the construct keeps on the newest published version."""


def newest_version(functions: "LambdaClient", function: str) -> str:
    """Return the newest published version of a reward function.

    Raises:
        RunFailed: When it was never published.
    """
    try:
        return functions.get_alias(FunctionName=function, Name=LIVE)["FunctionVersion"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise RunFailed(f"reward function {function}: no alias `{LIVE}`; deploy the stack again") from error
        raise


def create_alias(functions: "LambdaClient", function: str, version: str, run_id: str) -> str | None:
    """Point the run's alias at a version, once.

    Args:
        functions: Lambda client.
        function: Name of the reward function.
        version: A published version.
        run_id: The run.

    Returns:
        The alias's ARN, or None when an alias of that name points elsewhere and so is not the run's.
    """
    name = reward_alias(run_id)
    try:
        made = functions.create_alias(FunctionName=function, Name=name, FunctionVersion=version)
    except ClientError as error:
        if error_code(error) != "ResourceConflictException":
            raise
        made = functions.get_alias(FunctionName=function, Name=name)
    return made["AliasArn"] if made["FunctionVersion"] == version else None


def delete_alias(functions: "LambdaClient", function: str, run_id: str) -> None:
    """Delete the run's alias if it is there."""
    try:
        functions.delete_alias(FunctionName=function, Name=reward_alias(run_id))
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
