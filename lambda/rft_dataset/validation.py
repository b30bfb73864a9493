"""The documented limits of Bedrock RFT datasets, and what is known to go wrong beside them.

Sources: Bedrock user guide, "Prepare your training data" and "Amazon Nova models" (100 to 20,000 prompts, JSON Lines
without empty lines, roles, one generated turn); AWS Machine Learning Blog, "Reinforcement fine-tuning on Amazon
Bedrock: best practices" (200 to 5,000 prompts are typical); AWS's own Nova Forge SDK (system turn first, no blank
content).
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import msgspec

from rft_contract.json_value import JsonObject
from rft_dataset.findings import Findings
from rft_dataset.reading import LONGEST_LINE, DamagedGzip, OverlongLine, open_lines
from rft_dataset.records import Message, Row
from rft_dataset.row_reader import MOST_EXAMINED, RowReader
from rft_dataset.rules import FEWEST_ROWS, MOST_ROWS, finding

Split = Literal["train", "validation", "held_out"]
"""What a dataset is for."""

TYPICAL_ROWS = (200, 5_000)

_UNIQUE_KEYS: Mapping[str, bytes] = {key: f'"{key}"'.encode() for key in ("messages", "reference_answer", "id")}
_NOT_UTF8_MARKS = (b"\xff\xfe", b"\xfe\xff")
_AT = re.compile(r" - at `(?P<path>\$[^`]*)`$")


@dataclass
class Report:
    """What was found in one dataset.

    Args:
        file: Name of the dataset.
        rows: Lines that hold a row, good or bad.
        findings: In the order of the file.
    """

    file: str
    rows: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return not self.findings.errors

    def to_json(self) -> JsonObject:
        """Return the report as JSON."""
        return {"file": self.file, "rows": self.rows, "valid": self.is_valid, **self.findings.to_json()}


def validate(stream: BinaryIO, name: str, *, split: Split | None = None, readers: Sequence[RowReader] = ()) -> Report:
    """Check every line of a dataset, in one pass and bounded memory.

    Args:
        stream: The dataset, plain or gzip.
        name: What findings call it.
        split: What it is for; the row limits are those of training. None: unknown, checked like training data.
        readers: See each sound row, up to `MOST_EXAMINED`; what they find is added at the end.

    Returns:
        The report; bad input never raises.
    """
    return _Validation(name, readers).run(stream, split)


class _Validation:
    """One pass over one dataset."""

    def __init__(self, name: str, readers: Sequence[RowReader]) -> None:
        self._report = Report(name)
        self._readers = readers
        self._ids: dict[str, int] = {}
        self._prompts: dict[int, int] = {}
        self._rows = msgspec.json.Decoder(Row)
        self._values = msgspec.json.Decoder()
        self._line = 0

    def run(self, stream: BinaryIO, split: Split | None) -> Report:
        """Check all lines, then the file as a whole."""
        try:
            lines, compressed = open_lines(stream)
            for self._line, line in enumerate(lines, 1):
                self._check_line(line)
            self._line = 0
            if compressed:
                self._add("compressed", "gzip")
        except DamagedGzip as error:
            self._add("damaged-gzip", str(error))
        self._line = 0
        self._check_size(split)
        for reader in self._readers:
            self._report.findings.extend(reader.findings())
        return self._report

    def _add(self, code: str, message: str, path: str = "") -> None:
        self._report.findings.add(finding(self._report.file, self._line, code, message, path))

    def _check_size(self, split: Split | None) -> None:
        """Check the number of rows."""
        rows = self._report.rows
        if rows == 0:
            self._add("empty-dataset", "no rows")
        elif split in ("validation", "held_out"):
            if rows < FEWEST_ROWS:
                self._add("few-rows", f"{rows} rows")
        elif rows < FEWEST_ROWS:
            self._add("too-few-rows", f"{rows} rows")
        elif rows > MOST_ROWS:
            self._add("too-many-rows", f"{rows:,} rows")
        elif not TYPICAL_ROWS[0] <= rows <= TYPICAL_ROWS[1]:
            self._add("unusual-size", f"{rows:,} rows")

    def _check_line(self, line: bytes) -> None:
        """Check one line's bytes, then its row."""
        if self._line == 1 and line.startswith(b"\xef\xbb\xbf"):
            self._add("byte-order-mark", "the file begins with a byte order mark")
            line = line[3:]
        if line.endswith(b"\r"):
            self._add("carriage-return", "the line ends with a carriage return")
        if not line or line.isspace():
            self._add("blank-line", "nothing in the line")
            return
        self._report.rows += 1
        if isinstance(line, OverlongLine):
            self._add("overlong-line", f"more than {LONGEST_LINE:,} bytes")
        elif b"\0" in line:
            utf16 = " (UTF-16?)" if line.startswith(_NOT_UTF8_MARKS) else ""
            self._add("nul-byte", f"a NUL byte in the line{utf16}")
        elif self._is_utf8(line):
            self._check_json(line)

    def _is_utf8(self, line: bytes) -> bool:
        """Whether a line is UTF-8; reports it when not."""
        if line.isascii():
            return True
        try:
            line.decode()
        except UnicodeDecodeError as error:
            self._add("not-utf8", f"byte {error.start + 1} of the line is not UTF-8")
            return False
        return True

    def _check_json(self, line: bytes) -> None:
        """Decode one line and check its row."""
        for key, spelled in _UNIQUE_KEYS.items():
            if line.count(spelled) > 1 and key in _duplicate_keys(line):
                self._add("duplicate-key", "the field occurs twice", f"$.{key}")
        try:
            row = self._rows.decode(line)
            self._check_numbers(line)
        except msgspec.ValidationError as error:
            self._add("schema", *_message_and_path(error))
        except msgspec.DecodeError as error:
            self._add("invalid-json", str(error))
        except RecursionError:
            self._add("too-deep", "nested too deeply to read")
        else:
            self._check_row(row)

    def _check_numbers(self, line: bytes) -> None:
        """Check that every number fits, in the fields without a type too: a reader would fail or make it infinite."""
        try:
            self._values.decode(line)
        except msgspec.ValidationError as error:
            self._add("number-out-of-range", *_message_and_path(error))

    def _check_row(self, row: Row) -> None:
        """Check what the types cannot say; sound rows go to the readers."""
        errors = self._report.findings.errors
        self._check_messages(row.messages)
        if bytes(row.reference_answer) in (b"", b"null", b'""'):
            self._add("no-reference", "no reference_answer", "$.reference_answer")
        if bytes(row.rft):
            self._add("reserved-field", "the field rft is this platform's own", "$.rft")
        if row.tools is not None:
            names = [tool.function.name.strip() for tool in row.tools]
            described = all(tool.function.description.strip() for tool in row.tools)
            if not names or not all(names) or len(set(names)) < len(names) or not described:
                self._add("bad-tools", "an empty list, a name twice, or a blank name or description", "$.tools")
        if row.id is not None:
            self._check_id(row.id)
        if self._report.findings.errors == errors and self._report.rows <= MOST_EXAMINED:
            for reader in self._readers:
                reader.see(self._line, row)

    def _check_id(self, row_id: str) -> None:
        """Check a row's id against those before it."""
        if not row_id.strip():
            self._add("blank-id", "a blank id", "$.id")
            return
        first = self._ids.setdefault(row_id, self._line)
        if first != self._line:
            self._add("duplicate-id", f"the id of line {first}", "$.id")

    def _check_messages(self, messages: list[Message]) -> None:
        """Check the prompt's turns."""
        if not messages:
            self._add("no-messages", "an empty list", "$.messages")
            return
        asked: list[str] = []
        for place, message in enumerate(messages):
            path = f"$.messages[{place}]"
            text = message.text()
            if not text.strip() and not (message.role == "assistant" and message.tool_calls):
                self._add("blank-content", "no text", f"{path}.content")
            if message.role in ("system", "developer"):
                if place:
                    self._add("system-not-first", f"role {message.role} in turn {place + 1}", f"{path}.role")
            else:
                asked += (message.role, text)
        if "user" not in asked[::2]:
            self._add("no-user-turn", "no turn of role user", "$.messages")
        if messages[-1].role == "assistant":
            self._add("answered-prompt", "the last turn is the assistant's", f"$.messages[{len(messages) - 1}]")
        first = self._prompts.setdefault(hash("\n".join(asked)), self._line)
        if first != self._line:
            self._add("duplicate-prompt", f"the prompt of line {first}", "$.messages")


def _message_and_path(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split a decoder's message into what is wrong and where."""
    message = str(error)
    place = _AT.search(message)
    return (message[: place.start()], place["path"]) if place else (message, "")


def _duplicate_keys(line: bytes) -> set[str]:
    """Return the keys that occur twice at the top of a line's object."""
    duplicates: set[str] = set()

    def collect(pairs: list[tuple[str, Any]]) -> None:
        duplicates.clear()  # objects are closed from the inside out, so the last one is the top
        duplicates.update(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)

    try:
        json.loads(line, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return set()
    return duplicates
