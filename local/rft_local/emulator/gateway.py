"""The ASGI application: ministack's, with our own routes under `/_rft/` and the raw request target kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict
from typing import Any, TypeAlias

import msgspec

from rft_local.emulator.authorization import Decision, open_session, simulate, trusts_service
from rft_local.emulator.faults import FAULTS, Fault
from rft_local.emulator.patches.bedrock import raw_target
from rft_local.emulator.patches.faults import set_pace
from rft_local.emulator.upstream import require

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTES = "/_rft/"
SERVICE_SESSION = f"{ROUTES}service-session"
SERVICE_EVENT = f"{ROUTES}service-event"
SIMULATE = f"{ROUTES}simulate"
FAULT_ORDERS = f"{ROUTES}faults"
PACE = f"{ROUTES}pace"

logger = logging.getLogger("rft.gateway")


def gateway(ministack: Application) -> Application:
    """Puts our routes in front of ministack.

    Args:
        ministack: Its application.

    Returns:
        The application to serve.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith(ROUTES):
                status, body = answer(scope["method"], scope["path"], await _body(receive))
                await _respond(send, status, body)
                return
            query = scope.get("query_string", b"").decode("latin-1")
            path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
            raw_target.set(f"{path}?{query}" if query else path)
        await ministack(scope, receive, send)

    return application


def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Answers one of our own routes.

    `POST /_rft/service-session` takes role_arn, service, source_arn and source_account, evaluates the role's trust
    policy and returns access_key_id, secret_access_key and session_token, or 403 with the reason.
    `POST /_rft/service-event` takes one EventBridge entry of a service (its Source begins with `aws.`, which PutEvents
    refuses from anyone) and puts it on the default event bus.
    `POST /_rft/simulate` takes principal_arn, action, resource and context and returns allowed and reason.
    `POST /_rft/faults` takes one `faults.Fault`, or a list of them that come into force together, and returns numbers;
    `GET` lists those in force, `DELETE` lifts those whose numbers it is given, without any all of them.
    `POST /_rft/pace` takes share, 0 to 1: waits of state machines and functions then take that share of their time.

    Args:
        method: HTTP method.
        path: Request path.
        body: JSON body.

    Returns:
        Status and JSON answer; a refusal holds one line under `reason`.
    """
    routes: dict[tuple[str, str], Callable[[Any], tuple[int, dict[str, Any]]]] = {
        ("POST", SERVICE_SESSION): _service_session,
        ("POST", SERVICE_EVENT): _service_event,
        ("POST", SIMULATE): _simulate,
        ("POST", FAULT_ORDERS): _order_faults,
        ("GET", FAULT_ORDERS): lambda _: (200, {"faults": FAULTS.listed()}),
        ("DELETE", FAULT_ORDERS): _lift_faults,
        ("POST", PACE): _set_pace,
    }
    if (method, path) not in routes:
        known = ", ".join(" ".join(route) for route in routes)
        return 404, {"reason": f"{method} {path} is unknown, wanted one of {known}"}
    try:
        return routes[method, path](json.loads(body or b"{}"))
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        return 400, {"reason": f"{path} got a body it cannot use: {type(error).__name__} {error}"}


def _service_session(request: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Lets a service assume a role, if the role's trust policy does."""
    decision = trusts_service(request["role_arn"], request["service"], request["source_arn"], request["source_account"])
    if not decision.allowed:
        return 403, {"reason": decision.reason}
    session = request["service"].split(".")[0]
    return 200, asdict(open_session(request["role_arn"], session))


def _service_event(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Puts an event of a service on the default bus."""
    entry = {name: request[name] for name in ("Source", "DetailType", "Detail", "Resources")}
    if not str(entry["Source"]).startswith("aws."):
        raise ValueError(f"Source is {entry['Source']!r}, wanted one that begins with 'aws.'")
    require("services.eventbridge", "_put_events")({"Entries": [entry]}, allow_aws_source=True)
    return 200, {}


def _simulate(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answers whether a principal may do something."""
    decision: Decision = simulate(
        request["principal_arn"], request["action"], request["resource"], request.get("context") or {}
    )
    return 200, asdict(decision)


def _order_faults(request: Any) -> tuple[int, dict[str, Any]]:
    """Puts faults into force."""
    faults = msgspec.convert(request if isinstance(request, list) else [request], list[Fault])
    return 200, {"numbers": [FAULTS.add(fault) for fault in faults]}


def _lift_faults(request: dict[str, list[int]]) -> tuple[int, dict[str, Any]]:
    """Lifts faults."""
    FAULTS.clear(request.get("numbers", []))
    return 200, {}


def _set_pace(request: dict[str, float]) -> tuple[int, dict[str, Any]]:
    """Lets waits take less time."""
    set_pace(float(request["share"]))
    return 200, {}


async def _body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: dict[str, Any]) -> None:
    """Sends a JSON answer."""
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
