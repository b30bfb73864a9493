"""Lambda patch: the IAM actions of requests about one alias and about reserved concurrency."""

from __future__ import annotations

from typing import Any

from rft_local.emulator.upstream import wrap

_ACTIONS = {"GET": "lambda:GetAlias", "PUT": "lambda:UpdateAlias", "DELETE": "lambda:DeleteAlias"}


def name_actions() -> None:
    """Asks for `lambda:GetAlias`, `UpdateAlias`, `DeleteAlias` and `GetFunctionConcurrency` where they are meant.

    Gap: ministack asks for `lambda:ListAliases` for every request below `/aliases` that is no POST, and for
    `lambda:PutFunctionConcurrency` where the concurrency is only read, so that a least-privilege policy is refused and
    a reader may delete.
    AWS: "Actions, resources, and condition keys for AWS Lambda" (Service Authorization Reference): one action each.
    """

    def extract(original: Any, service: str, method: str, path: str, *rest: Any) -> Any:
        if service == "lambda" and path.partition("/aliases/")[2] and method in _ACTIONS:
            return _ACTIONS[method]
        if service == "lambda" and method == "GET" and path.endswith("/concurrency"):
            return "lambda:GetFunctionConcurrency"
        return original(service, method, path, *rest)

    wrap("core.iam_actions", "extract_iam_action", extract)
