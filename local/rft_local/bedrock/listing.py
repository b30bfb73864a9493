"""What all listings share: order, filters by name and time, pages."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rft_local.bedrock.records import Record
from rft_local.bedrock.requests import Page
from rft_local.bedrock.service_error import invalid

RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True)
class Listing(Generic[RecordT]):
    """One page.

    Args:
        records: What is on it.
        next_token: Opens the next page; None on the last.
    """

    records: Sequence[RecordT]
    next_token: str | None


def page(records: Sequence[RecordT], asked: Page) -> Listing[RecordT]:
    """Return the page that was asked for.

    Args:
        records: All records that pass the filters, oldest first.
        asked: Order, size and token.

    Raises:
        ServiceError: ValidationException when the token is not one of ours.
    """
    ordered = list(records) if asked.sort_order == "Ascending" else list(records)[::-1]
    start = _position(asked.next_token, ordered) if asked.next_token else 0
    shown = ordered[start : start + asked.max_results]
    more = start + len(shown) < len(ordered)
    return Listing(shown, _token(shown[-1]) if more else None)


def between(record: Record, after: float | None, before: float | None) -> bool:
    """Return whether a record was created after and before the given times; None leaves a side open."""
    return (after is None or record.created > after) and (before is None or record.created < before)


def named(name: str, part: str | None) -> bool:
    """Return whether a name contains what was asked for."""
    return part is None or part in name


def _token(record: Record) -> str:
    return base64.urlsafe_b64encode(record.arn.encode()).decode()


def _position(token: str, ordered: Sequence[Record]) -> int:
    """Return the place after the record a token names."""
    try:
        arn = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        arn = ""
    for position, record in enumerate(ordered):
        if record.arn == arn:
            return position + 1
    raise invalid("The provided nextToken is invalid or has expired")
