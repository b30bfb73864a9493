"""`rft grade`: samples, scored by a deployed reward's own code."""

import sys
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import say


def grade(
    reward: Annotated[str, typer.Option(help="Name of a reward function of the environment.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Grade the event on stdin with a deployed reward function's own code: `rft grade --reward NAME < event.json`.

    The event is what Bedrock sends, a JSON array of samples; it may be of any size. The function's code is downloaded
    and called on this machine, so nothing is billed and no metric is written. The answer is always JSON.
    """
    from rft_cli.deployed_reward import grade as grade_event
    from rft_cli.environment import open_environment

    if sys.stdin.isatty():
        say("reading the event from the terminal; end it with Ctrl-D")
    event = sys.stdin.buffer.read()
    sys.stdout.write(grade_event(open_environment(env, stack), reward, event).decode() + "\n")
