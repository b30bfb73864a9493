"""Writes the routing datasets: `python -m examples.routing.make`, from the root of the repository."""

from pathlib import Path

from examples.chat_row import ChatMessage, ChatRow, jsonl
from examples.routing.prompt import Prompt, chosen
from examples.routing.ticket import SPLITS, Split, tickets


def rows(split: Split, prompt: Prompt) -> list[ChatRow]:
    """Return a split's rows: the prompt's turns, then the ticket alone as the user's message."""
    return [
        ChatRow(
            id=f"routing-{split}-{number:03d}",
            messages=(*prompt.messages, ChatMessage(role="user", content=ticket.text)),
            reference_answer={"label": ticket.label},
        )
        for number, ticket in enumerate(tickets(split), start=1)
    ]


def files() -> dict[str, bytes]:
    """Return each dataset's file name and content."""
    prompt = chosen()
    return {f"{split}.jsonl": jsonl(rows(split, prompt)) for split in SPLITS}


def main() -> None:
    """Write the files beside this module."""
    for name, content in files().items():
        path = Path(__file__).parent / name
        path.write_bytes(content)
        print(f"{path}: {len(content.splitlines())} rows")


if __name__ == "__main__":
    main()
