"""The published versions of an environment's functions, and which of them nothing needs any more.

Each deployment publishes versions, and the stack keeps them, since runs that began before still call theirs. No role of
the platform may delete them: `lambda:DeleteFunction` knows only the resource type `function` (Service Authorization
Reference, AWS Lambda), so whoever may delete a version may be able to delete the function. A person does it.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError
from rich.table import Table
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_runtime.failures import error_code, explain
from rft_runtime.run_record import RunStore

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_NUMBER = re.compile(r"[1-9][0-9]*")
_NAMED = re.compile(r":function:(?P<function>[\w-]+):(?P<version>[1-9][0-9]*)")
"""A version's ARN, as a stack, a state machine's definition and a function's variables name it."""

Named = frozenset[tuple[str, str]]
"""Pairs of a function's name and a version."""


class FunctionVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One published version of a function.

    Args:
        function: Name of the function.
        version: Its number, as text.
        published: When its code or settings were last changed, ISO 8601.
        code_bytes: Size of its code.
        needed: What needs it; None: nothing does.
    """

    function: str
    version: str
    published: str
    code_bytes: int
    needed: str | None


def list_versions(environment: Environment, *, keep: int, tell: Callable[[str], None]) -> list[FunctionVersion]:
    """List the versions of every function of an environment's stack, oldest first.

    What the stack names, what an alias points to, what a run calls that is not closed, and the newest are needed, and
    so is what a needed version calls by its number, as reward functions call the code runner.

    Args:
        environment: Where.
        keep: How many of each function's newest versions are needed in any case.
        tell: Told the name of each function before it is looked at.

    Raises:
        CliError: When Lambda does not show what a version calls.
    """
    functions, current = _of_stack(environment)
    running = _of_open_runs(environment)
    found, called = [], dict[tuple[str, str], str]()
    for function in functions:
        tell(function)
        for version, calls in _of_function(environment.aws.functions, function, current, running, keep):
            found.append(version)
            if version.needed is not None:
                called |= dict.fromkeys(calls, f"{function}:{version.version} calls it")
    return [
        msgspec.structs.replace(version, needed=version.needed or called.get((version.function, version.version)))
        for version in found
    ]


def delete_version(environment: Environment, found: FunctionVersion) -> None:
    """Delete a version, and never a function.

    Args:
        environment: Where.
        found: A version that nothing needs.

    Raises:
        CliError: When something needs it or AWS refuses.
        ValueError: When it has no number: without one, Lambda would delete the function.
    """
    if not _NUMBER.fullmatch(found.version):
        raise ValueError(f"version: got {found.version!r}, wanted a number")
    if found.needed is not None:
        raise CliError(f"{found.function}:{found.version} stays: {found.needed}")
    try:
        environment.aws.functions.delete_function(FunctionName=found.function, Qualifier=found.version)
    except ClientError as error:
        raise CliError(f"{found.function}:{found.version}: {explain(error)}") from None


def table(versions: list[FunctionVersion]) -> Table:
    """Return the list for a terminal."""
    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("function", "version", "published", "MiB", "", "reason"):
        drawn.add_column(heading, overflow="fold", no_wrap=heading not in ("function", "reason"))
    for found in versions:
        drawn.add_row(
            Text(found.function),
            Text(found.version),
            Text(found.published[:16]),
            f"{found.code_bytes / 2**20:.1f}",
            Text("stays", "green") if found.needed else Text("not needed", "yellow"),
            Text(found.needed or "", "dim"),
        )
    return drawn


def _of_stack(environment: Environment) -> tuple[list[str], Named]:
    """Return the names of the stack's functions, and the versions that it names."""
    functions, named = [], set()
    pages = environment.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=environment.stack)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            physical = resource.get("PhysicalResourceId", "")
            if resource["ResourceType"] == "AWS::Lambda::Function" and physical:
                functions.append(physical)
            elif resource["ResourceType"] == "AWS::Lambda::Version":
                named |= set(_NAMED.findall(physical))
    return sorted(functions), frozenset(named)


def _of_open_runs(environment: Environment) -> Named:
    """Return the versions in the definitions with which the runs began that are not closed."""
    named: set[tuple[str, str]] = set()
    for mark in RunStore(environment.bucket).open_runs():
        if not mark.execution_arn:
            continue
        try:
            found = environment.aws.states.describe_state_machine_for_execution(executionArn=mark.execution_arn)
        except ClientError as error:
            if error_code(error) != "ExecutionDoesNotExist":
                raise
            continue
        named |= set(_NAMED.findall(found["definition"]))
    return frozenset(named)


def _of_function(
    functions: "LambdaClient", function: str, current: Named, running: Named, keep: int
) -> Iterator[tuple[FunctionVersion, Named]]:
    """Yield one function's versions with what needs each, and the versions that it calls by their numbers."""
    published = [
        found
        for page in functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        for found in page["Versions"]
        if _NUMBER.fullmatch(found["Version"])
    ]
    published.sort(key=lambda found: int(found["Version"]))
    aliased = _aliases(functions, function)
    newest: Collection[str] = [found["Version"] for found in published[-keep:]] if keep else []
    for found in published:
        version = found["Version"]
        reasons = {
            "the stack names it": (function, version) in current,
            f"alias {aliased.get(version)}": version in aliased,
            "a run that is not closed calls it": (function, version) in running,
            f"one of the newest {keep}": version in newest,
        }
        shown = FunctionVersion(
            function=function,
            version=version,
            published=found["LastModified"],
            code_bytes=found["CodeSize"],
            needed=next((reason for reason, holds in reasons.items() if holds), None),
        )
        yield shown, _called(function, found)


def _called(function: str, found: "FunctionConfigurationTypeDef") -> Named:
    """Return the versions that a version's variables name."""
    shown = found.get("Environment", {})
    if "Error" in shown:
        raise CliError(
            f"{function}:{found['Version']}: its variables, which may name versions that it calls, cannot be read: "
            f"{shown['Error'].get('Message', 'no message')}"
        )
    return frozenset(pair for value in shown.get("Variables", {}).values() for pair in _NAMED.findall(value))


def _aliases(functions: "LambdaClient", function: str) -> dict[str, str]:
    """Return version -> an alias that sends it all or some of its calls."""
    aliased: dict[str, str] = {}
    for page in functions.get_paginator("list_aliases").paginate(FunctionName=function):
        for alias in page["Aliases"]:
            shares = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            aliased |= dict.fromkeys([alias["FunctionVersion"], *shares], alias["Name"])
    return aliased
