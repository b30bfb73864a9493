"""Lambda patch: the IAM action of a request about one alias."""

from __future__ import annotations

from typing import Any

from rft_local.emulator.upstream import wrap

_ACTIONS = {"GET": "lambda:GetAlias", "PUT": "lambda:UpdateAlias", "DELETE": "lambda:DeleteAlias"}


def name_alias_actions() -> None:
    """Asks for `lambda:GetAlias`, `UpdateAlias` and `DeleteAlias` where a request names an alias.

    Gap: ministack asks for `lambda:ListAliases` for every request below `/aliases` that is no POST, so that a
    least-privilege policy is refused and a reader may delete.
    AWS: "Actions, resources, and condition keys for AWS Lambda" (Service Authorization Reference): one action each.
    """

    def extract(original: Any, service: str, method: str, path: str, *rest: Any) -> Any:
        if service == "lambda" and path.partition("/aliases/")[2] and method in _ACTIONS:
            return _ACTIONS[method]
        return original(service, method, path, *rest)

    wrap("core.iam_actions", "extract_iam_action", extract)
