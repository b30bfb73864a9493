"""How the page writes names: ARNs, conditions, places among the constructs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.security.fact import Fact
from benchmarks.security.replay import Evidence
from benchmarks.security.rights import Template, short
from benchmarks.security.subjects import number


def evidence(kind: Evidence, fact: Fact | None) -> str:
    """Return a class of evidence, with the number of the fact behind it."""
    return f"{kind.value} {number(fact)}" if fact else kind.value


def arn(text: str, template: Template) -> str:
    """Return an ARN without what all of a stack's have in common."""
    region, account = template.place["region"], template.place["account"]
    bare = short(text).replace(f":{region}:", "::").replace(f":{account}:", "::")
    return f"`{bare.replace(account, '<account>').replace(region, '<region>')}`"


def condition(text: str, template: Template) -> str:
    """Return a condition as `key = value`, joined by `and`."""
    if not text:
        return ""
    found = json.loads(text)
    texts = [
        _comparison(operator, key, value)
        for operator, block in (found if _is_nested(found) else {"": found}).items()
        for key, value in block.items()
    ]
    region, account = template.place["region"], template.place["account"]
    return f"`{short(' and '.join(texts)).replace(account, '<account>').replace(region, '<region>')}`"


def _comparison(operator: str, key: str, value: Any) -> str:
    if operator == "Null":
        return f"{key} is {'absent' if value == 'true' else 'there'}"
    listed = ", ".join(value) if isinstance(value, list) else value
    sign = "is none of" if "Not" in operator else "="
    return f"{key} {sign} {listed}{' or none' * operator.endswith('IfExists')}"


def _is_nested(found: Mapping[str, Any]) -> bool:
    return all(isinstance(block, dict) for block in found.values())


def places(labels: Iterable[str]) -> str:
    """Return labels with those of one folder together: `Training/Workflow/Handlers/{Certify, Close}`."""
    folders: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        folder, slash, name = label.rpartition("/")
        folders[folder + slash].append(name)
    return "; ".join(
        f"{folder}{names[0]}" if len(names) == 1 else f"{folder}{{{', '.join(names)}}}"
        for folder, names in folders.items()
    )
