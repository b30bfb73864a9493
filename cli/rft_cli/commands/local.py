"""`rft local`: the embedded AWS on this machine."""

import os
from typing import Annotated

import typer

from rft_cli.commands.fault import fault
from rft_cli.commands.options import Json
from rft_cli.console import err, out, print_json

app = typer.Typer(name="local", help="The embedded AWS on this machine: start, stop, look, use.", no_args_is_help=True)

DEFAULT_PORT = 4566


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the one AWS endpoint.", min=1, max=65535)] = DEFAULT_PORT,
    bedrock_port: Annotated[
        int | None,
        typer.Option(help="Port of the Bedrock endpoint behind it. \\[default: --port + 1]", min=1, max=65535),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the embedded trainer.")] = None,
    deploy: Annotated[bool, typer.Option("--deploy/--no-deploy", help="Deploy the app as well.")] = True,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="How the embedded AWS behaves, such as judge-noise=0.2 or event-size=1; all of them: python -m "
            "rft_local.bedrock --help and python -m rft_local.emulator --help",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Start the embedded AWS and deploy this project's stack into it; started already, only deploy."""
    from rft_local import lifecycle
    from rft_local.project import find_project

    project = find_project()
    with err().status("embedded AWS") as spinner:
        state = lifecycle.up(
            project,
            port=port,
            bedrock_port=bedrock_port or port + 1,
            seed=seed,
            deploy=deploy,
            tell=lambda words: spinner.update(f"embedded AWS: {words}"),
            settings=[f"--{setting}" for setting in settings or []],
        )
    if json:
        print_json(lifecycle.describe(project))
        return
    out().print(f"The embedded AWS runs at http://127.0.0.1:{state.port}")
    if state.stacks:
        out().print(f"deployed: {', '.join(state.stacks)}")
    out().print(
        f"next: {'rft run recipes/routing.yaml --wait' if state.stacks else 'make deploy ENV=local'}", markup=False
    )


@app.command()
def down(json: Json = False) -> None:
    """Close the runs that go on, stop the embedded AWS and remove what it kept (not its logs)."""
    from rft_cli.local_runs import stop_local_runs
    from rft_local import lifecycle
    from rft_local.project import find_project

    project = find_project()
    with err().status("embedded AWS: closing runs"):
        closed = stop_local_runs("rft local down") if lifecycle.running(project) else {}
    with err().status("embedded AWS: stopping"):
        stopped = lifecycle.down(project)
    if json:
        print_json({"stopped": stopped, "closed_runs": closed})
        return
    for run, outcome in closed.items():
        out().print(f"run {run} ended {outcome}", markup=False)
    out().print("The embedded AWS is stopped." if stopped else "The embedded AWS did not run.")


@app.command()
def status(json: Json = False) -> None:
    """Say whether the embedded AWS runs, where, and what is deployed. Exit code 1 when it does not."""
    from rft_local import lifecycle
    from rft_local.project import find_project

    found = lifecycle.describe(find_project())
    if json:
        print_json(found)
    elif found.running:
        out().print(f"The embedded AWS runs at {found.endpoint}", markup=False)
        for process in found.processes:
            health = "healthy" if process.healthy else "NOT ANSWERING"
            out().print(f"  {process.name:<9} port {process.port}  pid {process.pid}  {health}", markup=False)
        out().print(f"  deployed  {', '.join(found.stacks) or 'nothing yet'}", markup=False)
    else:
        out().print("The embedded AWS does not run; `rft local up` starts it.", markup=False)
    raise typer.Exit(0 if found.running else 1)


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def execute(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="Program and arguments.")],
) -> None:
    """Run a command with the environment variables of the embedded AWS, such as `-- cdk diff`."""
    from rft_cli.cli_error import CliError
    from rft_local import lifecycle
    from rft_local.cdk import Cdk
    from rft_local.project import find_project

    project = find_project()
    state = lifecycle.running(project)
    if state is None:
        raise CliError("the embedded AWS does not run: start it with `rft local up`")
    environment = dict(Cdk(project, state.port).environment)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise CliError(f"{command[0]}: {error.strerror}") from None


app.command()(fault)
