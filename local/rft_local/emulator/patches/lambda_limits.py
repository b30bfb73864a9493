"""Lambda patches: payload quotas of Invoke.

Reserved concurrency (429 `TooManyRequestsException`) and the refusal to delete a version that an alias references
(409 `ResourceConflictException`) are ministack's own and need no patch; tests hold them.
"""

from __future__ import annotations

import re
from typing import Any

from rft_local.emulator.upstream import require, wrap

SERVICE = "services.lambda_svc"
SYNCHRONOUS_REQUEST_BYTES = 6 * 1024 * 1024
SYNCHRONOUS_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
ASYNCHRONOUS_REQUEST_BYTES = 1024 * 1024

_INVOCATIONS = re.compile(r"/2015-03-31/functions/.+/invocations/?$")


def limit_payloads() -> None:
    """Refuses payloads that exceed Lambda's quotas.

    Gap: ministack takes and returns payloads of any size.
    AWS: 6 MB for a synchronous request and response ("Lambda quotas", "Invocation payload"), 1 MB for an asynchronous
    request (AWS Compute Blog, "More room to build: serverless services now support payloads up to 1 MB"). A request
    over the quota is refused with 413 `RequestEntityTooLargeException`; a response over it is a function error
    `Function.ResponseSizeTooLarge`.
    """
    wrap(SERVICE, "handle_request", _refuse_large_request)
    wrap(SERVICE, "_execute_function_dispatch", _fail_large_response)


async def _refuse_large_request(
    original: Any, method: str, path: str, headers: Any, body: bytes, query_params: Any
) -> Any:
    """Checks the request's size before ministack sees it."""
    if method == "POST" and _INVOCATIONS.search(path):
        kind = headers.get("x-amz-invocation-type") or "RequestResponse"
        limit = ASYNCHRONOUS_REQUEST_BYTES if kind == "Event" else SYNCHRONOUS_REQUEST_BYTES
        if len(body) > limit:
            message = f"{len(body)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
            respond = require("core.responses", "error_response_json")
            return respond("RequestEntityTooLargeException", message, 413, content_type="application/json")
    return await original(method, path, headers, body, query_params)


def _fail_large_response(original: Any, function: Any, config: Any, event: Any, *arguments: Any) -> Any:
    """Turns an answer over the quota into a function error."""
    import json

    result = original(function, config, event, *arguments)
    if result.get("error") or result.get("throttle"):
        return result
    body = result.get("body")
    size = len(body) if isinstance(body, bytes) else len(json.dumps(body, ensure_ascii=False).encode())
    if size <= SYNCHRONOUS_RESPONSE_BYTES:
        return result
    message = f"Response payload size exceeded maximum allowed payload size ({SYNCHRONOUS_RESPONSE_BYTES} bytes)."
    problem = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
    return {"body": problem, "error": True, "function_error": "Unhandled", "log": result.get("log", "")}
