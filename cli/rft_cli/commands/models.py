"""`rft models`: the custom models and deployments that runs made, and what becomes of each."""

from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say


def models(
    env: Env = None,
    stack: Stack = None,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Only what neither a release, nor a deployment, nor a run needs.")
    ] = False,
    json: Json = False,
) -> None:
    """List an environment's custom models and deployments: run, release, and why each stays or goes.

    What goes is deleted by the sweeper, within 15 minutes. The rest stays until somebody deletes it by hand.
    """
    from rft_cli.environment import open_environment
    from rft_cli.model_list import list_models, table

    environment = open_environment(env, stack)
    found = []
    with progress(f"looking at the models of {environment.name}") as tell:
        for fate in list_models(environment, only_orphans=orphans):
            found.append(fate)
            if len(found) % 20 == 0:
                tell(f"{len(found)} so far")
    if json:
        print_json(found)
    elif found:
        out().print(table(found))
    else:
        say(f"environment {environment.name} has no {'orphans' if orphans else 'custom models'}")
