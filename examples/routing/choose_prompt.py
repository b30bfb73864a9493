"""Chooses the routing prompt: the candidate behind which the base model answers best.

`python -m examples.routing.choose_prompt WEIGHTS.gguf`, from the root of the repository, then `examples.routing.make`.
The base model answers the validation tickets greedily behind each candidate of `prompts.json`; `choice.json` keeps the
scores and the winner. To be done before any training, so that training is measured against the strongest base.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from examples.chat_row import ChatMessage
from examples.routing.prompt import FOLDER, Choice, Prompt, Score, candidates
from examples.routing.ticket import Ticket, tickets
from rft_local.trainer.stand_in import StandIn

MAX_TOKENS = 8
"""Enough for every label, and for the model to show that it went on talking."""


def is_right(answer: str, label: str) -> bool:
    """Tell whether an answer is the label and nothing else, but for case, space around it and punctuation after it."""
    return answer.strip().lower().rstrip(".,:;!?") == label


def score(model: StandIn, prompt: Prompt, validation: Sequence[Ticket]) -> Score:
    """Let the model answer all tickets behind one prompt, and print the score: it takes some seconds."""
    shots = _turns(prompt.messages)
    conversations = [[*shots, {"role": "user", "content": ticket.text}] for ticket in validation]
    answers = model.generate(
        conversations, adapter=None, samples=1, max_tokens=MAX_TOKENS, temperature=0.0, top_p=1.0, seed=0
    )
    right = sum(is_right(group[0].text, ticket.label) for group, ticket in zip(answers, validation, strict=True))
    result = Score(prompt.name, model.count_tokens(shots), round(right / len(validation), 4))
    print(f"{result.name:28} {result.prefix_tokens:4} tokens  {result.accuracy:6.1%}", flush=True)
    return result


def _turns(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def choose(weights: Path) -> Choice:
    """Score all candidates; the most accurate wins, among equals the shortest.

    Args:
        weights: The base model, a GGUF file.
    """
    model, validation = StandIn.load(weights), tickets("validation")
    scores = [score(model, prompt, validation) for prompt in candidates()]
    scores.sort(key=lambda item: (-item.accuracy, item.prefix_tokens))
    return Choice(
        chosen=scores[0].name,
        weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        tickets=len(validation),
        decoding=f"greedy, at most {MAX_TOKENS} tokens",
        scores=tuple(scores),
    )


def main() -> None:
    """Write `choice.json`."""
    parser = argparse.ArgumentParser(description="Choose the routing prompt.")
    parser.add_argument("weights", type=Path, help="GGUF file of the base model")
    choice = choose(parser.parse_args().weights)
    (FOLDER / "choice.json").write_bytes(msgspec.json.format(msgspec.json.encode(choice)) + b"\n")
    print(f"chosen: {choice.chosen}")


if __name__ == "__main__":
    main()
