"""IAM patches: the policy simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from rft_local.emulator.upstream import wrap

IAM = "services.iam"
EVALUATOR = "core.iam_evaluator"

_ENTRIES: ContextVar[dict[str, str]] = ContextVar("entries", default={})  # noqa: B039  # never changed, only replaced


def simulate_with_context() -> None:
    """Evaluates conditions of simulated requests.

    Gap: ministack's SimulatePrincipalPolicy passes over `ContextEntries`, so a statement with a condition on any of
    them never allows.
    AWS: the entries are the request's context keys (IAM API reference, "SimulatePrincipalPolicy").
    """
    wrap(IAM, "_extract_simulate_params", _note_entries)
    wrap(IAM, "_build_simulate_results_real", _forget_entries)
    wrap(EVALUATOR, "evaluate", _with_entries)


def confine_simulation() -> None:
    """Asks for `iam:SimulatePrincipalPolicy` on the principal that is simulated.

    Gap: ministack asks for it on `*`, so that a policy which allows it for one role is refused.
    AWS: groups, roles and users are its resources ("Actions, resources, and condition keys for AWS Identity and Access
    Management", Service Authorization Reference).
    """

    def extract(
        original: Any, service: str, method: str, path: str, headers: Any, body: Any, query: Any, *rest: Any
    ) -> Any:
        principal = _text(query, "PolicySourceArn") if service == "iam" else ""
        return principal or original(service, method, path, headers, body, query, *rest)

    wrap("core.iam_actions", "extract_resource_arn", extract)


def _note_entries(original: Any, parameters: Any) -> Any:
    """Keeps the request's entries for the evaluation that follows."""
    _ENTRIES.set(dict(_entries(parameters)))
    return original(parameters)


def _forget_entries(original: Any, *arguments: Any) -> Any:
    """Ends the simulation: other evaluations have a context of their own."""
    try:
        return original(*arguments)
    finally:
        _ENTRIES.set({})


def _with_entries(original: Any, context: Any, *policies: Any) -> Any:
    """Adds the entries of a simulation to what is evaluated."""
    if entries := _ENTRIES.get():
        context.service_context = {**context.service_context, **entries}
    return original(context, *policies)


def _entries(parameters: Any) -> Iterator[tuple[str, str]]:
    """Yields key and first value of each entry; keys are compared in small letters."""
    number = 1
    while key := _text(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        yield key.lower(), _text(parameters, f"ContextEntries.member.{number}.ContextKeyValues.member.1")
        number += 1


def _text(parameters: Any, name: str) -> str:
    """Returns a parameter of a query request, which may be a list of one."""
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value or "")
