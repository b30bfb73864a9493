"""One text that a chat template was put into, taken apart into turns again.

A row of a dataset holds turns; Bedrock puts the model's own template around them. Left inside, the tokens of another
template would be trained on as text. Sources: Bedrock user guide, "Meta Llama models" (header tokens), "Mistral AI
text completion" (`[INST]`), "Anthropic Claude Text Completions API" (`Human:` and `Assistant:`).
"""

import re
from collections.abc import Iterator

_LLAMA_TURN = re.compile(r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>(?P<said>.*?)(?:<\|eot_id\|>|\Z)", re.S)
_LLAMA_EDGE = re.compile(r"<\|(?:begin_of_text|end_of_text)\|>")
_INST_TURN = re.compile(r"\[INST\](?P<asked>(?:(?!\[INST\]).)*?)\[/INST\](?P<answered>.*?)(?=\[INST\]|\Z)", re.S)
_INST_SYSTEM = re.compile(r"\s*<<SYS>>(?P<system>.*?)<</SYS>>", re.S)
_INST_EDGE = re.compile(r"</?s>")
_CLAUDE_TURN = re.compile(r"\n\n(?P<role>Human|Assistant):")
_SPECIAL = re.compile(r"<\|[a-z_]+\|>|<｜[^｜]{1,40}｜>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>")

_CLAUDE_ROLES = {"Human": "user", "Assistant": "assistant"}


class UnknownTemplate(ValueError):
    """A text holds special tokens that no known template explains."""


def turns_of_text(text: str) -> Iterator[tuple[str, str]]:
    """Yield the role and text of each turn; a text without a template is one turn of the user's.

    The assistant's empty turn at the end, in which the model was to answer, is left out.

    Args:
        text: The prompt as it was sent.

    Raises:
        UnknownTemplate: When special tokens are left in a turn.
    """
    if "<|start_header_id|>" in text:
        turns = _llama(text)
    elif "[INST]" in text:
        turns = _instructions(text)
    elif text.startswith("\n\nHuman:") or ("\n\nHuman:" in text and text.rstrip().endswith("\n\nAssistant:")):
        turns = _claude(text)
    else:
        turns = [("user", text)]
    if len(turns) > 1 and turns[-1][0] == "assistant" and not turns[-1][1]:
        turns.pop()
    for role, said in turns:
        if _SPECIAL.search(said):
            raise UnknownTemplate("special tokens of an unknown chat template")
        yield role, said


def _llama(text: str) -> list[tuple[str, str]]:
    """Return the turns between Llama 3's header tokens."""
    text = _LLAMA_EDGE.sub("", text)
    found = list(_LLAMA_TURN.finditer(text))
    if _LLAMA_TURN.sub("", text).strip():
        raise UnknownTemplate("text outside of every turn")
    return [(turn["role"].replace("ipython", "tool"), turn["said"].strip()) for turn in found]


def _instructions(text: str) -> list[tuple[str, str]]:
    """Return the turns around the `[INST]` of Mistral and Llama 2."""
    text = _INST_EDGE.sub("", text)
    if _INST_TURN.sub("", text).strip():
        raise UnknownTemplate("text outside of every turn")
    turns: list[tuple[str, str]] = []
    for turn in _INST_TURN.finditer(text):
        asked = turn["asked"]
        if not turns and (system := _INST_SYSTEM.match(asked)):
            turns.append(("system", system["system"].strip()))
            asked = asked[system.end() :]
        turns += [("user", asked.strip()), ("assistant", turn["answered"].strip())]
    return turns


def _claude(text: str) -> list[tuple[str, str]]:
    """Return the turns after `Human:` and `Assistant:`."""
    system, *parts = _CLAUDE_TURN.split(text)
    turns = [("system", system.strip())] if system.strip() else []
    return turns + [(_CLAUDE_ROLES[role], said.strip()) for role, said in zip(parts[::2], parts[1::2], strict=True)]
