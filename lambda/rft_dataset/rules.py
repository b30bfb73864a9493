"""The rules: what can be found in a dataset, how much it matters, and what to do about it."""

from collections.abc import Mapping

from rft_dataset.findings import Finding, Severity

FEWEST_ROWS = 100
MOST_ROWS = 20_000
"""Prompts of a training job, at least and at most (Bedrock user guide, "Prepare your training data")."""

_ERROR, _WARNING, _ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE

RULES: Mapping[str, tuple[Severity, str]] = {
    "empty-dataset": (_ERROR, "write one JSON object a line"),
    "too-few-rows": (_ERROR, f"add rows; Bedrock needs at least {FEWEST_ROWS} for training"),
    "too-many-rows": (_ERROR, f"leave rows out; Bedrock takes at most {MOST_ROWS:,} for training"),
    "unusual-size": (
        _ADVICE,
        "AWS advises 100 to 200 to start, 200 to 5,000 to generalise, up to 10,000 for hard tasks",
    ),
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
    "lone-surrogate": (_ERROR, "write the character as UTF-8, or as both halves"),
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
    "unusual-reference": (
        _ADVICE,
        "AWS's own validator takes only a text or an object, though its guide allows any JSON",
    ),
    "duplicate-id": (_WARNING, "give each row its own id"),
    "duplicate-prompt": (_WARNING, "keep one of the rows, unless the prompt should weigh more"),
    "similar-prompt": (_WARNING, "keep one of the rows, unless the prompt should weigh more"),
    "missing-group": (_ADVICE, "name the group of every row, or leave it out where a row has none"),
    "reserved-field": (_WARNING, "rename the field; a run overwrites it with its own"),
    "inexact-number": (_WARNING, "write the number as a text; many readers round it"),
    "contradictory-reference": (_WARNING, "keep the right reference; the model is paid for two different answers"),
    "mixed-references": (_WARNING, "give every reference_answer the same JSON type and keys"),
    "unbalanced-labels": (_ADVICE, "add rows of the rare answers, or leave out some of the common ones"),
    "label-shift": (_ADVICE, "draw both datasets from one source, unless their labels differ on purpose"),
    "unbalanced-difficulty": (_ADVICE, "mix difficulties; all too easy or all too hard teaches nothing"),
    "prompt-too-long": (_WARNING, "shorten the prompt or raise maxPromptLength; Bedrock drops it without a word"),
    "prompt-maybe-too-long": (_ADVICE, "set maxPromptLength above the upper estimate; Bedrock drops longer prompts"),
    "no-steps-left": (_ERROR, "raise maxPromptLength or shorten the prompts; Bedrock would drop all of them"),
    "few-steps": (_WARNING, "add prompts, lower batchSize, or raise epochCount or maxPromptLength"),
    "unclear-form": (_WARNING, "tell the model in the prompt the form that the reward reads"),
    "conflicting-form": (_WARNING, "ask for the form that the reward reads; obeying this prompt is not paid"),
    "seldom-unclear-form": (_ADVICE, "look at these rows: they differ from the others in what they tell the model"),
    "partly-examined": (_ADVICE, "give a part of the file to have all of it compared"),
    "leak-prompt": (_ERROR, "keep the prompt in one of the two; a held-out prompt must be new to the model"),
    "leak-similar-prompt": (_ERROR, "keep one of the two rows; a held-out prompt must be new to the model"),
    "leak-group": (_ERROR, "keep rows of one group in one dataset; `rft dataset split` does"),
    "leak-id": (_WARNING, "make sure that these are different rows"),
    "leak-validation-prompt": (_WARNING, "keep the prompt in one of the two"),
    "leak-validation-similar-prompt": (_WARNING, "keep one of the two rows"),
    "leak-validation-group": (_WARNING, "keep rows of one group in one dataset; `rft dataset split` does"),
    "leak-validation-id": (_WARNING, "make sure that these are different rows"),
}
"""Code -> how much it matters, and what to do."""


def finding(file: str, line: int, code: str, message: str, path: str = "") -> Finding:
    """Return a finding with its rule's severity and fix.

    Args:
        file: Name of the dataset.
        line: Line number from 1; 0 for the file as a whole.
        code: Key of `RULES`.
        message: What is wrong.
        path: Where in the line's JSON.
    """
    severity, fix = RULES[code]
    return Finding(file=file, line=line, path=path, severity=severity, code=code, message=message, fix=fix)
