"""Reading a dataset as Bedrock reads it before training.

Source: user guide, "Prepare your training data for reinforcement fine-tuning" (chat messages, at least 100 and at most
20,000 records) and "Troubleshooting model customization issues" (messages).
"""

import json

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.json_value import JsonObject
from rft_local.bedrock.emulator_client import RoleSession
from rft_local.bedrock.engine import Message, TrainingRow
from rft_local.bedrock.s3_uri import S3Uri

FEWEST_ROWS = 100
MOST_ROWS = 20_000
_ROLES = ("system", "user", "assistant", "tool")
_NOT_FOR_THE_GRADER = ("messages", "tools", "id")


class DatasetUnfit(Exception):
    """A dataset cannot be used; the message says why."""


def read_rows(session: RoleSession, uri: S3Uri) -> list[TrainingRow]:
    """Read a dataset as the passed role.

    Args:
        session: The role at work.
        uri: Where the dataset lies.

    Raises:
        DatasetUnfit: Naming the object, and the line where one is at fault.
    """
    try:
        body = session.s3.get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise DatasetUnfit(
            f"Could not validate GetObject permissions to access Amazon S3 bucket: {uri.bucket} at key {uri.key} "
            f"({error})"
        ) from None
    try:
        lines = body.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise _unparsable(uri, "it is not UTF-8") from None
    return [_row(line, number, uri) for number, line in enumerate(lines, start=1)]


def check_size(rows: int) -> None:
    """Check the number of training rows.

    Raises:
        DatasetUnfit: When the service takes no dataset of this size.
    """
    if not FEWEST_ROWS <= rows <= MOST_ROWS:
        raise DatasetUnfit(
            f"The training dataset has {rows} records; reinforcement fine-tuning takes {FEWEST_ROWS} to {MOST_ROWS}"
        )


def _row(line: str, number: int, uri: S3Uri) -> TrainingRow:
    try:
        record = json.loads(line)
    except ValueError:
        raise _unparsable(uri, f"line {number} is {'empty' if not line.strip() else 'not JSON'}") from None
    if not isinstance(record, dict):
        raise _unparsable(uri, f"line {number} is not a JSON object")
    messages = record.get("messages")
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        raise _unparsable(uri, f"line {number} has no list of messages")
    try:
        turns = [_message(item) for item in messages]
    except ValueError as error:
        raise _unparsable(uri, f"line {number} has a message whose {error}") from None
    roles = [turn["role"] for turn in turns]
    if "user" not in roles:
        raise _unparsable(uri, f"line {number} has no user message")
    if unknown := next((role for role in roles if role not in _ROLES), None):
        raise _unparsable(uri, f"line {number} has a message of role {unknown!r}")
    if "system" in roles[1:]:
        raise _unparsable(uri, f"line {number} has a system message that is not the first")
    return TrainingRow(messages=turns, fields=_fields(record))


def _message(value: JsonObject) -> Message:
    """Read a turn whose content is text or a list of text parts; ValueError says what is wrong with it."""
    role, content = value.get("role"), value.get("content")
    if not isinstance(role, str) or not role:
        raise ValueError(f"role is {role!r}, wanted user, system or assistant")
    if isinstance(content, str):
        return Message(role=role, content=content)
    if not isinstance(content, list) or not content:
        raise ValueError("content is neither a text nor a list of text parts")
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(text, str):
            raise ValueError("content has a part that is not text")
        texts.append(text)
    return Message(role=role, content="".join(texts))


def _fields(record: JsonObject) -> JsonObject:
    return {name: value for name, value in record.items() if name not in _NOT_FOR_THE_GRADER}


def _unparsable(uri: S3Uri, detail: str) -> DatasetUnfit:
    return DatasetUnfit(
        f"Unable to parse Amazon S3 file: s3://{uri.bucket}/{uri.key} ({detail}). "
        "Data files must conform to JSONL format."
    )
