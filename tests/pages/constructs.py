"""What of an app's own each construct takes, read from signatures."""

import inspect
from collections.abc import Iterable

from constructs import Construct

import bedrock_rft
from tests.pages.part import table

TAKEN = {
    "Role": ("IRole", "CustomizationRoleBase"),
    "Key": ("IKey", "RftKeyBase", "ReleaseKeyBase"),
    "Bucket": ("IBucket", "s3.Bucket", "DatasetBucketBase"),
    "Network": ("IVpc", "RftNetwork"),
    "Topic": ("ITopic", "RftTopicBase"),
}
"""Column -> names of the types that its props have."""

OFFERED = ("from_", "grant_", "metric_")
"""Prefixes of methods."""


def takes() -> str:
    """Return the table of constructs: props that take what exists, and methods that import, grant and measure."""
    head = ["Construct", *TAKEN, *(f"`{prefix}...`" for prefix in OFFERED)]
    return table(head, [_row(name) for name in sorted(bedrock_rft.__all__) if _is_shown(name)])


def _is_shown(name: str) -> bool:
    value = getattr(bedrock_rft, name)
    return inspect.isclass(value) and issubclass(value, Construct) and not name.endswith("Base")


def _row(name: str) -> list[str]:
    kind = getattr(bedrock_rft, name)
    props = [one for one in inspect.signature(kind.__init__).parameters.values() if one.kind is one.KEYWORD_ONLY]
    taken = [
        _names(one.name for one in props if any(wanted in _spelled(one.annotation) for wanted in types))
        for types in TAKEN.values()
    ]
    methods = [method for method in dir(kind) if _is_ours(kind, method)]
    offered = [
        _names(method.removeprefix(prefix) for method in methods if method.startswith(prefix)) for prefix in OFFERED
    ]
    return [f"`{name}`", *taken, *offered]


def _is_ours(kind: type, method: str) -> bool:
    """Tell whether a method is one of this library's, and not one of the CDK's base classes."""
    owner = next((base for base in kind.__mro__ if method in vars(base)), None)
    return owner is not None and owner.__module__.startswith("bedrock_rft.")


def _spelled(annotation: object) -> str:
    """Return an annotation as the code spells it: its classes by their bare names, Python's buckets as `s3.Bucket`."""
    return inspect.formatannotation(annotation).replace("aws_cdk.aws_s3.Bucket", "s3.Bucket")


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"
