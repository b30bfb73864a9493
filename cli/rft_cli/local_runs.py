"""The runs that go on in the embedded AWS, closed before it stops: a run ends in a named outcome, never in silence."""

from rft_cli import execution
from rft_cli.cli_error import CliError
from rft_cli.console import say
from rft_cli.environment import LOCAL, open_environment


def stop_local_runs(reason: str) -> dict[str, str]:
    """Stop every run of the embedded AWS.

    A run that cannot be closed is told about and does not keep the embedded AWS from stopping.

    Args:
        reason: Why, for the runs' reports.

    Returns:
        Run id -> outcome of those that were closed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    closed: dict[str, str] = {}
    try:
        environment = open_environment(LOCAL, None)
        going_on = list(execution.executions(environment, only_running=True))
    except (CliError, ValueError):  # nothing of this version is deployed: no runs
        return closed
    except (BotoCoreError, ClientError) as error:
        say(f"cannot list the runs: {error}")
        return closed
    for run in going_on:
        try:
            closed[run.run_id] = str(execution.stop(environment, run.run_id, reason))
        except (CliError, BotoCoreError, ClientError) as error:
            say(f"cannot close run {run.run_id}: {error}")
    return closed
