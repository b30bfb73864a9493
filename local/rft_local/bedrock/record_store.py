"""Records in files, so that a restart finds them."""

import secrets
import string
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from rft_local.bedrock.records import Record

RecordT = TypeVar("RecordT", bound=Record)


class RecordStore(Generic[RecordT]):
    """The records of one kind: read once, kept in memory, every change written at once.

    Args:
        folder: Where they lie, one file each.
        kind: Their type.

    Raises:
        ValueError: When a file in the folder holds no such record.
    """

    def __init__(self, folder: Path, kind: type[RecordT]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.RLock()
        self._records = {record.id: record for record in (_read(path, kind) for path in sorted(folder.glob("*.json")))}

    def all(self) -> list[RecordT]:
        """Return all records, oldest first."""
        with self._lock:
            return sorted(self._records.values(), key=lambda record: (record.created, record.id))

    def get(self, record_id: str) -> RecordT | None:
        """Return the record of an id."""
        with self._lock:
            return self._records.get(record_id)

    def find(self, wanted: Callable[[RecordT], bool]) -> RecordT | None:
        """Return the first record that is wanted."""
        return next((record for record in self.all() if wanted(record)), None)

    def create(self, record: RecordT, refuse: Callable[[list[RecordT]], None]) -> None:
        """Add a record unless the check refuses; nothing else changes in between.

        Args:
            record: The new record.
            refuse: Looks at all records and raises when the new one may not join them.
        """
        with self._lock:
            refuse(self.all())
            self._write(record)

    def change(self, record_id: str, change: Callable[[RecordT], RecordT]) -> RecordT | None:
        """Replace a record by what `change` makes of its newest state.

        Returns:
            The new record; None when there is none of this id any more.
        """
        with self._lock:
            current = self._records.get(record_id)
            if current is None:
                return None
            changed = change(current)
            if changed is not current:
                self._write(changed)
            return changed

    def delete(self, record_id: str) -> None:
        """Remove a record."""
        with self._lock:
            self._records.pop(record_id, None)
            (self._folder / f"{record_id}.json").unlink(missing_ok=True)

    def _write(self, record: RecordT) -> None:
        path = self._folder / f"{record.id}.json"
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
        draft.replace(path)
        self._records[record.id] = record


def new_id() -> str:
    """Return an id as Bedrock's ARNs end with: 12 lower-case letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))


def _read(path: Path, kind: type[RecordT]) -> RecordT:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} holds no {kind.__name__} ({error}): remove the file or the state folder") from None
