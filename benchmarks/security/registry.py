"""Which rights CloudFormation's registry says that resource types need, from the schemas that come with cfn-lint."""

import json
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from rft_contract.json_value import JsonObject


def permissions(schemas: Path, types: Collection[str]) -> dict[str, list[str]]:
    """Return resource type -> the rights that its schema's handlers need, sorted.

    Args:
        schemas: Folder of JSON files, each the schema of one type.
        types: Which types.

    Raises:
        ValueError: When a type has no schema there, or one that names no rights.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(schemas.glob("*.json")):
        schema: JsonObject = json.loads(path.read_bytes())
        kind, handlers = schema.get("typeName"), schema.get("handlers")
        if kind in types and isinstance(handlers, dict):
            named = (one["permissions"] for one in handlers.values() if isinstance(one, dict))
            found[str(kind)] = sorted({str(right) for rights in named if isinstance(rights, list) for right in rights})
    if lacking := sorted(kind for kind in types if not found.get(kind)):
        raise ValueError(f"{schemas}: got no rights of {', '.join(lacking)}, wanted the schema of every type")
    return found


def unnamed(actions: Iterable[str], registry: Mapping[str, Collection[str]]) -> list[str]:
    """Return the actions that no type's schema names, sorted.

    Args:
        actions: Such as `sqs:CreateQueue`.
        registry: What `permissions` returned; schemas differ in case, and some name actions by pattern.
    """
    patterns = {right.lower() for rights in registry.values() for right in rights}
    return sorted(
        {action for action in actions if not any(fnmatchcase(action.lower(), pattern) for pattern in patterns)}
    )
