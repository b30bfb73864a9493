"""The smallest dataset and hyperparameters with which Bedrock trains.

Sources: user guide, "Prepare data for reinforcement fine-tuning" (at least 100 prompts), and the service model's lower
bounds of the hyperparameters; `maxPromptLength` and `inferenceMaxTokens` have none, and are as these prompts need.
"""

import json
from collections.abc import Iterator

from rft_cli.verification.observer import NESTED
from rft_contract.hyperparameters import Hyperparameters

ROWS = 100
VALIDATION_ROWS = 16
HYPERPARAMETERS = Hyperparameters(
    epochCount=1,
    batchSize=16,
    learningRate=1e-7,
    maxPromptLength=128,
    trainingSamplePerPrompt=2,
    inferenceMaxTokens=16,
    evalInterval=3,  # two looks at the validation set in seven steps
)
ROLLOUTS = ROWS * HYPERPARAMETERS.trainingSamplePerPrompt
"""Of one pass; the rounds of a validation set come on top."""


def training_data() -> bytes:
    """Return the training set, JSON Lines."""
    return "".join(_rows("train", ROWS)).encode()


def validation_data() -> bytes:
    """Return the validation set, JSON Lines."""
    return "".join(_rows("validation", VALIDATION_ROWS)).encode()


def _rows(split: str, count: int) -> Iterator[str]:
    for row in range(count):
        answer = str(2 * row)
        question = f"What is {row} plus {row}? Answer with the number alone."
        record = {
            "id": f"{split}-{row}",
            "messages": [{"role": "user", "content": question if split == "train" else f"{question} Please."}],
            "reference_answer": answer if row % 2 else {"number": answer},
            "row": row,
            "split": split,
            "nested": NESTED,
        }
        yield json.dumps(record, ensure_ascii=False) + "\n"
