"""`rft local fault`: rehearse a fault on the embedded AWS."""

from typing import TYPE_CHECKING, Annotated

import typer

from rft_cli.commands.options import Json
from rft_cli.console import out, print_json

if TYPE_CHECKING:
    from rft_local.state import LocalState


def fault(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHAT]",
            help="Operation such as bedrock:CreateModelCustomizationJob or s3:*, lambda:Execution, events:Delivery; or "
            "job/NAME, deployment/NAME, update/NAME for how the next one of that name ends.",
        ),
    ] = None,
    how: Annotated[
        str, typer.Argument(metavar="[HOW]", help="Error code; of a job, deployment or update the status it comes to.")
    ] = "ServiceUnavailableException",
    effect: Annotated[
        str, typer.Option(help="refuse, lose, kill, kill-after, repeat or delay; see docs/embedded-aws.md.")
    ] = "refuse",
    message: Annotated[str, typer.Option(help="Message of the error.")] = "ordered by rft local fault",
    caller: Annotated[str, typer.Option(help="Text in the ARN of who calls, or in the function's name.")] = "",
    about: Annotated[list[str] | None, typer.Option(help="Regular expression found in the call; repeatable.")] = None,
    after: Annotated[int, typer.Option(help="Calls that go well first.", min=0)] = 0,
    times: Annotated[int, typer.Option(help="Calls that it strikes; 0: all.", min=0)] = 1,
    delay: Annotated[float, typer.Option(help="Seconds that the caller waits for it.", min=0)] = 0.0,
    lift: Annotated[bool, typer.Option("--lift", help="Lift all faults first.")] = False,
    json: Json = False,
) -> None:
    """Rehearse a fault: let calls, functions, events, jobs or deployments fail. Without WHAT: list what is ordered."""
    from rft_cli.cli_error import CliError
    from rft_local import faults, lifecycle
    from rft_local.connection import endpoint
    from rft_local.project import find_project

    state = lifecycle.running(find_project())
    if state is None:
        raise CliError("the embedded AWS does not run: start it with `rft local up`")
    url = endpoint(state.port)
    if lift:
        faults.lift_faults(url)
    if what is not None and "/" in what:
        _order_accident(state, what, how, message)
    elif what is not None:
        order: dict[str, object] = {"operation": what, "error": how, "effect": effect, "message": message}
        order |= {"caller": caller, "about": about or [], "after": after}
        _order_fault(state, order | {"times": times or None, "delay_seconds": delay})
    ordered = faults.ordered_faults(url)
    if json:
        print_json(ordered)
        return
    for one in ordered:
        told = f"{one.number:>3}  {one.fault.operation} {one.fault.effect.value} {one.fault.error}, struck {one.struck}"
        out().print(told, markup=False)
    if not ordered:
        out().print("No call is ordered to fail.")


def _order_fault(state: "LocalState", order: dict[str, object]) -> None:
    import msgspec

    from rft_cli.cli_error import CliError
    from rft_local.connection import endpoint
    from rft_local.emulator.faults import Fault
    from rft_local.faults import order_faults

    try:
        order_faults(endpoint(state.port), [msgspec.convert(order, Fault)])
    except msgspec.ValidationError as error:
        raise CliError(f"{order['operation']}: {error}") from None


def _order_accident(state: "LocalState", what: str, how: str, message: str) -> None:
    import msgspec

    from rft_cli.cli_error import CliError
    from rft_local.bedrock.accidents import Accident
    from rft_local.connection import endpoint
    from rft_local.faults import order_accident

    resource, _, name = what.partition("/")
    try:
        accident = msgspec.convert({"resource": resource, "name": name, "ends": how, "message": message}, Accident)
    except msgspec.ValidationError as error:
        raise CliError(f"{what}: {error}") from None
    order_accident(endpoint(state.bedrock_port), accident)
    out().print(f"the next {resource} {name} comes to {how}", markup=False)
