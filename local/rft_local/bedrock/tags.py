"""Tags of a resource."""

from collections.abc import Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.requests import Tag
from rft_local.bedrock.service_error import ServiceError

MOST_TAGS = 50
"""Tags of one resource (AWS General Reference, "Tagging your AWS resources")."""


def as_mapping(tags: Sequence[Tag]) -> dict[str, str]:
    """Return tags by key.

    Raises:
        ServiceError: TooManyTagsException when there are more than a resource can have.
    """
    mapping = {tag.key: tag.value for tag in tags}
    if len(mapping) > MOST_TAGS:
        raise ServiceError("TooManyTagsException", f"a resource can have {MOST_TAGS} tags, got {len(mapping)}")
    return mapping


def merged(present: dict[str, str], added: Sequence[Tag]) -> dict[str, str]:
    """Return a resource's tags with others added or replaced.

    Raises:
        ServiceError: TooManyTagsException when that makes too many.
    """
    return as_mapping([*(Tag(key=key, value=value) for key, value in present.items()), *added])


def as_list(tags: dict[str, str]) -> list[JsonValue]:
    """Return tags as a response lists them."""
    listed: list[JsonValue] = []
    for key, value in sorted(tags.items()):
        tag: JsonObject = {"key": key, "value": value}
        listed.append(tag)
    return listed
