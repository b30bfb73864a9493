"""The documented limits of Bedrock RFT datasets, and what is known to go wrong beside them.

Sources: Bedrock user guide, "Prepare your training data" and "Amazon Nova models" (100 to 20,000 prompts, JSON Lines
without empty lines, roles, one generated turn); AWS Machine Learning Blog, "Reinforcement fine-tuning on Amazon
Bedrock: best practices" (200 to 5,000 prompts are typical); AWS's own Nova Forge SDK (system turn first, no blank
content).
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any, BinaryIO, Literal

import msgspec

from rft_dataset.findings import Finding, Report, Severity
from rft_dataset.reading import LONGEST_LINE, DamagedGzip, OverlongLine, open_lines
from rft_dataset.records import Message, Row

Split = Literal["train", "validation", "held_out"]
"""What a dataset is for."""

FEWEST_ROWS = 100
MOST_ROWS = 20_000
TYPICAL_ROWS = (200, 5_000)

_ERROR, _WARNING, _ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE

_RULES: Mapping[str, tuple[Severity, str]] = {
    "empty-dataset": (_ERROR, "write one JSON object a line"),
    "too-few-rows": (_ERROR, f"add rows; Bedrock needs at least {FEWEST_ROWS} for training"),
    "too-many-rows": (_ERROR, f"leave rows out; Bedrock takes at most {MOST_ROWS:,} for training"),
    "unusual-size": (_ADVICE, "AWS's best practices name 200 to 5,000 prompts as typical"),
    "few-rows": (_ADVICE, f"use at least {FEWEST_ROWS} rows, or results will be uncertain"),
    "compressed": (_ADVICE, "nothing to do: the run's own copy is plain"),
    "damaged-gzip": (_ERROR, "compress the file again, or give it uncompressed"),
    "byte-order-mark": (_ERROR, "save the file as UTF-8 without a byte order mark"),
    "carriage-return": (_ADVICE, "end lines with a line feed alone"),
    "blank-line": (_ERROR, "remove the line; Bedrock's parser refuses empty ones"),
    "overlong-line": (_ERROR, "shorten the row; it must reach the reward function within 6 MB"),
    "nul-byte": (_ERROR, "save the file as UTF-8"),
    "not-utf8": (_ERROR, "save the file as UTF-8"),
    "invalid-json": (_ERROR, "write one JSON object a line"),
    "too-deep": (_ERROR, "flatten the row"),
    "duplicate-key": (_ERROR, "keep one; which of them counts is undefined"),
    "number-out-of-range": (_ERROR, "write the number with fewer digits, or as a text"),
    "schema": (_ERROR, "follow OpenAI's chat format: messages with role and content, text only"),
    "no-messages": (_ERROR, "add the prompt as messages"),
    "no-user-turn": (_ERROR, "add the prompt as a turn of role user"),
    "system-not-first": (_ERROR, "move the system turn to the front, and have one at most"),
    "answered-prompt": (_ERROR, "remove the last assistant turn: the model generates it, reference_answer judges it"),
    "blank-content": (_ERROR, "fill the turn or remove it"),
    "blank-id": (_ERROR, "give the row a name or leave id out"),
    "bad-tools": (_ERROR, "list each function once, with a name and a description, or leave tools out"),
    "no-reference": (_WARNING, "add reference_answer; without it most rewards cannot grade the row"),
    "duplicate-id": (_WARNING, "give each row its own id"),
    "duplicate-prompt": (_WARNING, "keep one of the rows, unless the prompt should weigh more"),
    "reserved-field": (_WARNING, "rename the field; a run overwrites it with its own"),
    "leak-prompt": (_ERROR, "keep the prompt in one of the two; a held-out prompt must be new to the model"),
    "shared-prompt": (_WARNING, "keep the prompt in one of the two"),
    "leak-id": (_WARNING, "make sure that these are different rows"),
}
"""Code -> how much it matters, and what to do."""

_UNIQUE_KEYS = {key: f'"{key}"'.encode() for key in ("messages", "reference_answer", "id")}
_NOT_UTF8_MARKS = (b"\xff\xfe", b"\xfe\xff")
_AT = re.compile(r" - at `(?P<path>\$[^`]*)`$")


def validate(stream: BinaryIO, name: str, *, split: Split | None = None) -> Report:
    """Check every line of a dataset, in one pass and bounded memory (about 200 bytes a row are kept).

    Args:
        stream: The dataset, plain or gzip.
        name: What findings call it.
        split: What it is for; the row limits are those of training. None: unknown, checked like training data.

    Returns:
        The report; bad input never raises.
    """
    return _Validation(name).run(stream, split)


def compare(reports: Mapping[Split, Report]) -> list[Finding]:
    """Find prompts and ids that two datasets of a run share.

    Args:
        reports: Split -> its report, of this process.

    Returns:
        One finding for each row of the second dataset that the first one has too.
    """
    order: tuple[Split, ...] = ("train", "validation", "held_out")
    findings: list[Finding] = []
    for first, second in combinations([split for split in order if split in reports], 2):
        one, other = reports[first], reports[second]
        code = "leak-prompt" if second == "held_out" else "shared-prompt"
        for prompt, line in other.digest.prompts.items():
            if prompt in one.digest.prompts:
                message = f"the prompt of {one.file}:{one.digest.prompts[prompt]}"
                findings.append(_finding(other.file, line, code, message))
        for row_id, line in other.digest.ids.items():
            if row_id in one.digest.ids:
                findings.append(_finding(other.file, line, "leak-id", f"the id of {one.file}:{one.digest.ids[row_id]}"))
    return findings


def _finding(file: str, line: int, code: str, message: str, path: str = "") -> Finding:
    """Return a finding with its rule's severity and fix."""
    severity, fix = _RULES[code]
    return Finding(file=file, line=line, path=path, severity=severity, code=code, message=message, fix=fix)


class _Validation:
    """One pass over one dataset."""

    def __init__(self, name: str) -> None:
        self._report = Report(name)
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
        return self._report

    def _add(self, code: str, message: str, path: str = "") -> None:
        self._report.add(_finding(self._report.file, self._line, code, message, path))

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
        """Check what the types cannot say."""
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

    def _check_id(self, row_id: str) -> None:
        """Check a row's id against those before it."""
        if not row_id.strip():
            self._add("blank-id", "a blank id", "$.id")
            return
        first = self._report.digest.ids.setdefault(row_id, self._line)
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
        prompt = hash(" ".join("\n".join(asked).split()).casefold())
        first = self._report.digest.prompts.setdefault(prompt, self._line)
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
