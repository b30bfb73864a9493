"""Options that several commands share."""

from typing import Annotated

import typer

Env = Annotated[
    str | None,
    typer.Option("--env", help="Environment: local, dev, staging, prod. \\[default: local]", show_default=False),
]
Stack = Annotated[
    str | None, typer.Option("--stack", help="Name of the deployed stack, instead of the one that --env implies.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Run id, as `rft runs` lists them.", show_default=False)]
