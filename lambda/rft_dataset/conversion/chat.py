"""Chats of other formats, read as `rft_dataset.chat_request` reads them, and refused in words."""

from collections.abc import Mapping

from rft_contract.json_value import JsonObject
from rft_dataset.chat_request import Chat, NotAPrompt, Unusable, chat_of
from rft_dataset.conversion.record import Unconvertible

_REASONS: Mapping[Unusable, str] = {
    Unusable.UNKNOWN_BODY: "messages or tools have a form that is not known here",
    Unusable.NOT_TEXT: "a turn holds an image, sound or file; Bedrock RFT is text only",
    Unusable.OTHER_TOOLS: "a tool is no function",
    Unusable.NO_USER_TURN: "no turn is the user's",
    Unusable.BLANK_TURN: "a turn holds no text",
    Unusable.LATE_SYSTEM_TURN: "a system turn comes after another one; Bedrock RFT wants one, in front",
    Unusable.ANSWERED: "the last turn is the assistant's",
}


def read_chat(body: JsonObject) -> Chat:
    """Return the chat of a record, in OpenAI's form.

    Args:
        body: An object with `messages`, and with `system`, `tools` or `toolConfig` where it has them: in the form of
            OpenAI's chat completions, of Converse, or of Anthropic's Messages API.

    Raises:
        Unconvertible: When it is no prompt that Bedrock RFT takes.
    """
    try:
        return chat_of(body)
    except NotAPrompt as error:
        raise Unconvertible(_REASONS.get(error.reason, error.reason.value)) from None
