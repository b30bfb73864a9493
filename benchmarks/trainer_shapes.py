"""The two fixed workloads of the trainer benchmark, for our trainer and for TRL alike. Standard library only.

Neither side gains by an easy reward: it depends on the text's length being even, so that nearly every group has
contrast from the first step to the last, and the learning rate is too small to move the model within six steps.
"""

from dataclasses import dataclass
from typing import NamedTuple

PROMPTS_A_STEP = 8
SAMPLES = 8
STEPS = 6
LEARNING_RATE = 1e-6
RANK = 16
FIRST_LAYER = 20
TEMPERATURE = 1.0


class Message(NamedTuple):
    """One chat turn."""

    role: str
    content: str


@dataclass(frozen=True)
class Shape:
    """One workload.

    Args:
        name: Short, for the table.
        context: Turns that all prompts share.
        questions: The last user turn of each prompt.
        max_tokens: Longest completion, tokens.
    """

    name: str
    context: tuple[Message, ...]
    questions: tuple[str, ...]
    max_tokens: int

    def prompts(self) -> list[list[dict[str, str]]]:
        """Return the conversations, one a question."""
        return [[turn._asdict() for turn in (*self.context, Message("user", text))] for text in self.questions]


def reward(completion: str) -> float:
    """Return 1 for a text with an even number of characters, else 0."""
    return 1.0 - len(completion) % 2


_TICKETS = (
    "The invoice for March shows the wrong amount.",
    "My parcel has not arrived after nine days.",
    "I cannot sign in since this morning.",
    "Please tell me how to change my address.",
    "You took the money for my order twice.",
    "The courier left the box in the rain.",
    "How do I close my account with you?",
    "When will you ship my second order?",
)
_ORDERS = (
    "Three lamps to Oslo, please. Mia",
    "Two chairs to Porto, please. Leo",
    "One desk to Graz, please. Eva",
    "Five mugs to Lyon, please. Tom",
    "Four plates to Bern, please. Ida",
    "Six cups to Rome, please. Max",
    "Nine forks to Kyiv, please. Ira",
    "One sofa to Cork, please. Ben",
)

SHAPES = (
    Shape(
        "107-token prompt, 8 new",
        (
            Message("system", "Sort the ticket. Answer with one word: billing, delivery or account."),
            Message("user", "My card was declined when I paid for the yearly plan."),
            Message("assistant", "billing"),
            Message("user", "Where is the package that I ordered two weeks ago?"),
            Message("assistant", "delivery"),
            Message("user", "I forgot my password and the link does not work."),
            Message("assistant", "account"),
        ),
        _TICKETS,
        max_tokens=8,
    ),
    Shape(
        "60-token prompt, 32 new",
        (
            Message("system", "Give JSON."),
            Message("user", "Two lamps to Rome. Ann"),
            Message("assistant", '{"name": "Ann", "item": "lamp", "qty": 2}'),
        ),
        _ORDERS,
        max_tokens=32,
    ),
)
