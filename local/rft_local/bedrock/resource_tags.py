"""Operations on the tags of jobs, custom models and deployments."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from rft_contract.json_value import JsonObject
from rft_local.bedrock.account import Account
from rft_local.bedrock.record_store import RecordStore
from rft_local.bedrock.records import Record
from rft_local.bedrock.requests import Resource, TagResource, UntagResource
from rft_local.bedrock.service_error import not_found
from rft_local.bedrock.tags import as_list, merged

RecordT = TypeVar("RecordT", bound=Record)
Tags = dict[str, str]


class ResourceTags:
    """TagResource, UntagResource, ListTagsForResource.

    Args:
        account: The account.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def add(self, asked: TagResource) -> JsonObject:
        """Add or replace tags.

        Raises:
            ServiceError: ResourceNotFoundException; TooManyTagsException.
        """
        self._change(asked.resource_arn, lambda tags: merged(tags, asked.tags))
        return {}

    def remove(self, asked: UntagResource) -> JsonObject:
        """Remove tags; keys that are not there do not matter.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        gone = set(asked.tag_keys)
        self._change(asked.resource_arn, lambda tags: {key: tags[key] for key in tags if key not in gone})
        return {}

    def list_all(self, asked: Resource) -> JsonObject:
        """List tags by key.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        return {"tags": as_list(self._change(asked.resource_arn, lambda tags: tags))}

    def _change(self, arn: str, change: Callable[[Tags], Tags]) -> Tags:
        account = self._account
        found = (
            _retagged(account.jobs, arn, change)
            or _retagged(account.models, arn, change)
            or _retagged(account.deployments, arn, change)
        )
        if found is None:
            raise not_found(f"The resource {arn} does not exist")
        return found.tags


def _retagged(store: RecordStore[RecordT], arn: str, change: Callable[[Tags], Tags]) -> RecordT | None:
    """Return the record of an ARN with its tags changed; None when the store has no such record."""
    record = store.find(lambda candidate: candidate.arn == arn)
    if record is None:
        return None
    return store.change(record.id, lambda newest: msgspec.structs.replace(newest, tags=change(newest.tags)))
