"""Prompts in Bedrock's model invocation logs.

Sources: Bedrock user guide, "Monitor model invocation using CloudWatch Logs and Amazon S3" (records, one a line, in
gzip objects under `AWSLogs/<account>/BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/`; bodies beyond 100 KB and
binary ones in objects of their own under `data/`; https://docs.aws.amazon.com/bedrock/latest/userguide/
model-invocation-logging.html); Bedrock API reference, "Converse" (`requestMetadata`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.chat_request import NotAPrompt, Unusable, chat_of
from rft_dataset.reading import DamagedGzip, OverlongLine, open_lines
from rft_dataset.records import Row

_SCHEMA = "ModelInvocationLog"
_PERMISSION_CHECK = "amazon-bedrock-logs-permission-check"
_BODIES = "data"
_OTHER_MODELS = (
    "embed",
    "rerank",
    "titan-image",
    "nova-canvas",
    "nova-reel",
    "nova-sonic",
    "stability.",
    "luma.",
    "twelvelabs.",
)


class LoggedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt that was asked in production.

    Args:
        request_id: Bedrock's id of the call.
        model: What the call named: a model's id, or the ARN of a profile or deployment.
        operation: `Converse`, `ConverseStream`, `InvokeModel` or `InvokeModelWithResponseStream`.
        messages: Its turns in chat form, the system's first.
        tools: Functions that the model may call, in chat form; None: none.
        metadata: What the caller attached to the call (`requestMetadata`).
        input_tokens: The prompt's length as Bedrock counted it; None: not logged.
    """

    request_id: str
    model: str
    operation: str
    messages: list[dict[str, object]]
    tools: list[object] | None = None
    metadata: dict[str, str] = {}
    input_tokens: int | None = None

    def row(self) -> JsonObject:
        """Return a dataset's row, named by the request, that lacks its `reference_answer`."""
        row = {"id": self.request_id, "messages": self.messages} | ({"tools": self.tools} if self.tools else {})
        return cast(JsonObject, row)

    def typed_row(self) -> Row:
        """Return the row as what validation reads."""
        return _rows.decode(msgspec.json.encode(self.row()))


_rows = msgspec.json.Decoder(Row)


class _Input(msgspec.Struct):
    body: object = msgspec.field(name="inputBodyJson", default=None)
    elsewhere: str | None = msgspec.field(name="inputBodyS3Path", default=None)
    tokens: int | None = msgspec.field(name="inputTokenCount", default=None)


class _Record(msgspec.Struct, rename="camel"):
    request_id: str
    model_id: str
    operation: str
    input: _Input
    schema_type: str = ""
    error_code: str | None = None
    request_metadata: dict[str, str] | None = None


def is_log(key: str) -> bool:
    """Return whether an object below a log prefix holds records: neither a body nor the check of permissions.

    Args:
        key: Its key or path, parts separated by `/`.
    """
    *folders, name = key.split("/")
    return bool(name) and _BODIES not in folders[-1:] and _PERMISSION_CHECK not in key


def read_log(stream: BinaryIO, *, tally: Counter[str]) -> Iterator[LoggedPrompt]:
    """Yield the prompts of one log object; bad input never raises.

    Args:
        stream: Its bytes, plain or gzip.
        tally: Is told how many records were left out, by their `Unusable` reason.
    """
    return read_records(open_lines(stream)[0], tally=tally)


def read_records(lines: Iterable[bytes], *, tally: Counter[str]) -> Iterator[LoggedPrompt]:
    """Yield the prompts of a log object's lines, as `read_log` does.

    Args:
        lines: What `open_lines` returned.
        tally: As for `read_log`.
    """
    decoder = msgspec.json.Decoder(_Record)
    try:
        for line in lines:
            if line.strip():
                try:
                    yield _prompt(line, decoder)
                except NotAPrompt as error:
                    tally[error.reason] += 1
    except DamagedGzip:
        tally[Unusable.DAMAGED_GZIP] += 1


def _prompt(line: bytes, decoder: msgspec.json.Decoder[_Record]) -> LoggedPrompt:
    """Return the prompt of one record."""
    record = _record(line, decoder)
    if record.error_code:
        raise NotAPrompt(Unusable.FAILED_CALL)
    if any(part in record.model_id for part in _OTHER_MODELS):
        raise NotAPrompt(Unusable.OTHER_MODEL)
    if record.input.body is None:
        raise NotAPrompt(Unusable.BODY_ELSEWHERE if record.input.elsewhere else Unusable.NO_BODY)
    messages, tools = chat_of(cast(JsonValue, record.input.body))
    prompt = LoggedPrompt(
        request_id=record.request_id,
        model=record.model_id,
        operation=record.operation,
        messages=cast(list[dict[str, object]], messages),
        tools=cast(list[object] | None, tools),
        metadata=record.request_metadata or {},
        input_tokens=record.input.tokens,
    )
    try:
        prompt.typed_row()
    except msgspec.ValidationError:
        raise NotAPrompt(Unusable.UNKNOWN_BODY) from None
    return prompt


def _record(line: bytes, decoder: msgspec.json.Decoder[_Record]) -> _Record:
    """Decode one line."""
    if isinstance(line, OverlongLine):
        raise NotAPrompt(Unusable.OVERLONG_LINE)
    try:
        record = decoder.decode(line)
    except msgspec.ValidationError:
        raise NotAPrompt(Unusable.OTHER_RECORD) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAPrompt(Unusable.NOT_JSON) from None
    if record.schema_type != _SCHEMA:
        raise NotAPrompt(Unusable.OTHER_RECORD)
    return record
