"""The documented limits of Bedrock RFT datasets, and what is known to go wrong beside them: one dataset, row by row.

Sources: Bedrock user guide, "Prepare your training data" and "Amazon Nova models" (100 to 20,000 prompts, JSON Lines
without empty lines, roles, one generated turn); AWS Machine Learning Blog, "Reinforcement fine-tuning on Amazon
Bedrock: best practices" (how many prompts for what); AWS's own Nova Forge SDK (system turn first, no blank content, a
reference answer that is a text or an object).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import BinaryIO, TypeAlias

import msgspec

from rft_contract.json_value import JsonObject
from rft_dataset.findings import MOST_STORED, Findings
from rft_dataset.i_json import departures, shown
from rft_dataset.reading import LONGEST_LINE, DamagedGzip, OverlongLine, open_blocks
from rft_dataset.records import Message, Row, Tool
from rft_dataset.repeats import Repeats
from rft_dataset.row_reader import MOST_EXAMINED, RowReader
from rft_dataset.rules import FEWEST_ROWS, MOST_ROWS, finding

Split: TypeAlias = str
"""What a dataset is for: `train`, `validation`, `held_out` or `guard-<name>`."""

FEWEST_TYPICAL_ROWS, MOST_TYPICAL_ROWS = 200, 5_000
"""Prompts that AWS's best practices call typical, enough to generalise from."""

MOST_ADVISED_ROWS = 10_000
"""Prompts that they advise at most, for hard tasks."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ENDS_WITH_CARRIAGE_RETURN = methodcaller("endswith", b"\r")
_AT = re.compile(r" - at `(?P<path>\$[^`]*)`$")
_WRONG_WORD = re.compile(r"Invalid enum value (?P<quote>['\"])(?P<word>.*)(?P=quote)", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<key>.*)`", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]{1,12}")
"""What may be quoted: too short to be somebody's text."""


@dataclass
class Report:
    """What was found in one dataset.

    Args:
        file: Name of the dataset.
        rows: Lines that hold a row, good or bad.
        findings: In the order of the file; those on the file as a whole come last.
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

    Rows beyond `MOST_EXAMINED`, two and a half times what Bedrock trains on, are checked like the others, with two
    exceptions that the finding `partly-examined` tells: readers do not see them, and what `i_json` looks for (keys that
    occur twice, numbers that readers would round or make infinite) is looked for only in lines that hold no row.

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
        self._ids = Repeats()
        self._prompts = Repeats()
        self._unusual_references = 0
        self._first_unusual_reference = 0
        self._decode = msgspec.json.Decoder(Row).decode
        self._line = 0

    def run(self, stream: BinaryIO, split: Split | None) -> Report:
        """Check all lines, then the file as a whole."""
        is_whole = self._read(stream)
        self._add_repeats(self._ids, "duplicate-id", "the id", "$.id")
        self._add_repeats(self._prompts, "duplicate-prompt", "the prompt", "$.messages")
        self._add_totals()
        if is_whole:
            self._check_size(split)
        for reader in self._readers:
            self._report.findings.extend(reader.findings())
        self._report.findings.stored.sort(key=lambda each: (each.line == 0, each.line))
        return self._report

    def _read(self, stream: BinaryIO) -> bool:
        """Check all lines; tells whether the file could be read to its end."""
        try:
            blocks, is_compressed = open_blocks(stream)
            for lines in blocks:
                if self._line == 0:
                    lines[0] = self._without_mark(lines[0])
                if self._report.rows < MOST_EXAMINED or not self._check_at_once(lines):
                    for line in lines:
                        self._line += 1
                        self._check_line(line)
        except DamagedGzip as error:
            self._line = 0
            self._add("damaged-gzip", f"{error}; {self._report.rows:,} rows came before")
            return False
        self._line = 0
        if is_compressed:
            self._add("compressed", "gzip")
        return True

    def _add(self, code: str, message: str, path: str = "") -> None:
        self._report.findings.add(finding(self._report.file, self._line, code, message, path))

    def _without_mark(self, line: bytes) -> bytes:
        """Return the first line without a byte order mark; reports one."""
        if not line.startswith(_BYTE_ORDER_MARK):
            return line
        message = "the file begins with a byte order mark"
        self._report.findings.add(finding(self._report.file, 1, "byte-order-mark", message))
        return type(line)(line[len(_BYTE_ORDER_MARK) :])

    def _check_at_once(self, lines: list[bytes]) -> bool:
        """Check lines of which all are rows in ASCII, which saves a third of the time; leaves others alone.

        Returns:
            Whether they were such lines.
        """
        if not all(map(bytes.isascii, lines)) or any(map(_ENDS_WITH_CARRIAGE_RETURN, lines)):
            return False
        if isinstance(lines[0], OverlongLine):
            return False
        try:
            rows = list(map(self._decode, lines))
        except (msgspec.DecodeError, RecursionError):
            return False
        self._report.rows += len(rows)
        for row in rows:
            self._line += 1
            self._check_row(row)
        return True

    def _check_line(self, line: bytes) -> None:
        """Check one line. It is decoded first, since nearly every line is a row."""
        try:
            row = self._decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._explain(line, error)
            return
        self._report.rows += 1
        if _ENDS_WITH_CARRIAGE_RETURN(line):
            self._add("carriage-return", "the line ends with a carriage return")
        if isinstance(line, OverlongLine):
            self._add("overlong-line", f"more than {LONGEST_LINE:,} bytes")
        elif line.isascii() or self._is_text(line):
            errors = self._report.findings.errors
            if self._report.rows <= MOST_EXAMINED:
                self._look_closely(line)
            self._check_row(row)
            if self._readers and self._report.findings.errors == errors and self._report.rows <= MOST_EXAMINED:
                for reader in self._readers:
                    reader.see(self._line, row)

    def _explain(self, line: bytes, error: Exception) -> None:
        """Say why a line holds no row, with everything else that is wrong with it."""
        if _ENDS_WITH_CARRIAGE_RETURN(line):
            self._add("carriage-return", "the line ends with a carriage return")
        if not line or line.isspace():
            self._add("blank-line", "nothing in the line")
            return
        self._report.rows += 1
        if isinstance(line, OverlongLine):
            self._add("overlong-line", f"more than {LONGEST_LINE:,} bytes")
        elif self._is_text(line):
            self._explain_text(line, error)

    def _explain_text(self, line: bytes, error: Exception) -> None:
        """Say why a text is no row."""
        errors = self._report.findings.errors
        self._look_closely(line)
        if isinstance(error, msgspec.ValidationError):
            self._add("schema", *_message_and_path(error))
        elif self._report.findings.errors > errors:
            return  # the close look found what the decoder stumbled over
        elif isinstance(error, RecursionError):
            self._add("too-deep", "nested too deeply to read")
        else:
            alone = "; a carriage return alone ends no line" if b"\r" in line.rstrip(b"\r") else ""
            self._add("invalid-json", f"{error}{alone}")

    def _is_text(self, line: bytes) -> bool:
        """Whether a line is UTF-8 without a NUL; reports it when not."""
        if b"\0" in line:
            utf16 = " (UTF-16?)" if self._line == 1 and line.startswith(_UTF16_MARKS) else ""
            self._add("nul-byte", f"a NUL byte in the line{utf16}")
            return False
        try:
            line.decode()
        except UnicodeDecodeError as error:
            self._add("not-utf8", f"byte {error.start + 1} of the line is not UTF-8")
            return False
        return True

    def _look_closely(self, line: bytes) -> None:
        """Report what JSON readers disagree on; a line that is no JSON is the decoder's to explain."""
        try:
            for each in departures(line.decode()):
                self._add(each.code, each.message, each.path)
        except RecursionError:
            self._add("too-deep", "nested too deeply to read")
        except ValueError:
            return

    def _check_row(self, row: Row) -> None:
        """Check what the types cannot say."""
        prompt = _usual_prompt(row.messages)
        if prompt is None:
            self._check_messages(row.messages)
        else:
            self._prompts.add(self._line, ("user", prompt))
        self._check_reference(bytes(row.reference_answer))
        if row.rft:
            self._add("reserved-field", "the field rft is this platform's own", "$.rft")
        if row.tools is not None:
            self._check_tools(row.tools)
        if row.id is not None:
            if row.id and not row.id.isspace():
                self._ids.add(self._line, row.id)
            else:
                self._add("blank-id", "a blank id", "$.id")

    def _check_messages(self, messages: list[Message]) -> None:
        """Check the prompt's turns."""
        if not messages:
            self._add("no-messages", "an empty list", "$.messages")
            return
        asked: list[str] = []
        for place, message in enumerate(messages):
            role, text = message.role, message.text()
            if (not text or text.isspace()) and not (role == "assistant" and message.tool_calls):
                self._add("blank-content", "no text", f"$.messages[{place}].content")
            if role in ("system", "developer"):
                if place:
                    self._add("system-not-first", f"role {role} in turn {place + 1}", f"$.messages[{place}].role")
            else:
                asked += (role, text)
        if "user" not in asked[::2]:
            self._add("no-user-turn", "no turn of role user", "$.messages")
        if role == "assistant":
            self._add("answered-prompt", "the last turn is the assistant's", f"$.messages[{place}]")
        if asked:
            self._prompts.add(self._line, tuple(asked))

    def _check_reference(self, reference: bytes) -> None:
        """Check a reference answer as it is written; empty when absent."""
        opened, within = reference[:1], reference[1:-1]
        if opened in (b'"', b"{", b"[", b"", b"n") and (not within or within.isspace() or opened == b"n"):
            self._add("no-reference", "no reference_answer", "$.reference_answer")
        elif opened not in (b'"', b"{"):
            self._unusual_references += 1
            self._first_unusual_reference = self._first_unusual_reference or self._line

    def _check_tools(self, tools: list[Tool]) -> None:
        """Check what a row's tools are called."""
        if not tools:
            self._add("bad-tools", "an empty list", "$.tools")
        names: set[str] = set()
        for place, tool in enumerate(tools):
            path = f"$.tools[{place}].function"
            name = tool.function.name.strip()
            if not name:
                self._add("bad-tools", "a blank name", f"{path}.name")
            elif name in names:
                self._add("bad-tools", "the name of an earlier function", f"{path}.name")
            if not tool.function.description.strip():
                self._add("bad-tools", "a blank description", f"{path}.description")
            names.add(name)

    def _add_repeats(self, repeats: Repeats, code: str, what: str, path: str) -> None:
        """Report the lines that repeat an earlier one; of many, the last stands for those that are not kept."""
        count, pairs = repeats.found(MOST_STORED)
        for line, earlier in pairs:
            found = finding(self._report.file, line, code, f"{what} of line {earlier}", path)
            self._report.findings.add(found)
        if count > len(pairs):
            self._report.findings.count(found, count - len(pairs))

    def _add_totals(self) -> None:
        """Report what is told once for all rows."""
        rows = self._report.rows
        if count := self._unusual_references:
            message = f"a list, a number or a truth value; rows with one: {count:,}, the first in line"
            self._add("unusual-reference", f"{message} {self._first_unusual_reference}", "$.reference_answer")
        if rows > MOST_EXAMINED:
            told = "compared with others, and searched for repeated keys and rounded numbers"
            self._add("partly-examined", f"of {rows:,} rows the first {MOST_EXAMINED:,} were {told}")

    def _check_size(self, split: Split | None) -> None:
        """Check the number of rows."""
        rows = self._report.rows
        if rows == 0:
            self._add("empty-dataset", "no rows")
        elif split not in ("train", None):
            if rows < FEWEST_ROWS:
                self._add("few-rows", f"{rows} rows")
        elif rows < FEWEST_ROWS:
            self._add("too-few-rows", f"{rows} rows")
        elif rows > MOST_ROWS:
            self._add("too-many-rows", f"{rows:,} rows")
        elif size := _unusual_size(rows):
            self._add("unusual-size", f"{rows:,} rows: {size}")


def _usual_prompt(messages: list[Message]) -> str | None:
    """Return the prompt of nearly every row: one user turn, behind a system turn or none, both with a text.

    Returns:
        The user turn's text; None for all other rows, right or wrong, whose turns are looked at one by one.
    """
    if not 1 <= len(messages) <= 2:
        return None
    system, user = messages[0].content, messages[-1].content
    if messages[-1].role != "user" or not isinstance(user, str) or not user or user.isspace():
        return None
    if len(messages) == 1:
        return user
    if messages[0].role != "system" or not isinstance(system, str) or not system or system.isspace():
        return None
    return user


def _unusual_size(rows: int) -> str:
    """Say what a legal number of training rows is good for; empty for a typical one."""
    if rows < FEWEST_TYPICAL_ROWS:
        return "enough for a first try, few to generalise from"
    if rows > MOST_ADVISED_ROWS:
        return "more than advised for the hardest tasks"
    if rows > MOST_TYPICAL_ROWS:
        return "more than typical, which pays for hard tasks only"
    return ""


def _message_and_path(error: msgspec.ValidationError) -> tuple[str, str]:
    """Say what is wrong and where, without the data that the decoder's message may quote."""
    message, path = str(error), ""
    if place := _AT.search(message):
        message, path = message[: place.start()], place["path"]
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        return "a field that a message must not have", path + shown(unknown["key"])
    if wrong := _WRONG_WORD.fullmatch(message):
        got = wrong["word"] if _WORD.fullmatch(wrong["word"]) else "something else"
        return f"got {got}, wanted {_wanted_word(path)}", path
    return message if message.startswith(("Expected ", "Object missing ")) else "not as the format wants it", path


def _wanted_word(path: str) -> str:
    """Return what a field may be that takes certain words only."""
    if path.endswith(".role"):
        return "system, developer, user, assistant or tool, in small letters"
    if path.endswith(".parameters.type"):
        return "object"
    return "function" if path.startswith("$.tools") else "text: RFT knows no other parts"
