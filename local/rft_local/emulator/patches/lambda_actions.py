"""Lambda patches: the IAM actions of requests about an alias or reserved concurrency, and the resource of some."""

from __future__ import annotations

from typing import Any

from rft_local.emulator.undocumented import VersionDeletion
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


def confine_version_deletion(choice: VersionDeletion) -> None:
    """Asks for `lambda:DeleteFunction` on the version that is deleted and not on the function, when that is chosen.

    Undocumented: the Service Authorization Reference lists `function` as the action's only resource type.

    Args:
        choice: What the right is looked up for.
    """
    if choice is VersionDeletion.FUNCTION:
        return

    def extract(
        original: Any, service: str, method: str, path: str, headers: Any, body: Any, query: Any, *rest: Any
    ) -> Any:
        function = original(service, method, path, headers, body, query, *rest)
        version = query.get("Qualifier") if service == "lambda" and method == "DELETE" else None
        if not version or path.rstrip("/").rpartition("/functions/")[2].count("/"):
            return function
        return f"{function}:{version[0] if isinstance(version, list) else version}"

    wrap("core.iam_actions", "extract_resource_arn", extract)
