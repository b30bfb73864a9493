"""A legal recipe with its datasets."""

import json
from typing import Any

from tests.unit.fakes.account import BASE_MODEL, BUCKET
from tests.unit.fakes.aws import FakeAws


def recipe_json(**changes: Any) -> dict[str, Any]:
    """Return a legal recipe whose datasets `upload` puts into the bucket."""
    recipe: dict[str, Any] = {
        "schema": 1,
        "line": "ticket-routing",
        "reward": "tickets",
        "base_model": BASE_MODEL,
        "datasets": {split: f"s3://{BUCKET}/datasets/{split}/{split}.jsonl" for split in ("train", "held_out")},
    }
    return {**recipe, **changes}


def dataset(split: str, rows: int) -> bytes:
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": "Route the ticket."},
                    {"role": "user", "content": f"{split} ticket number {row}: where is my money?"},
                ],
                "reference_answer": "billing" if row % 2 else "shipping",
                "id": f"{split}-{row}",
            }
        )
        for row in range(rows)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def upload(aws: FakeAws, *, train: int = 100, held_out: int = 100) -> None:
    aws.s3.put("datasets/train/train.jsonl", dataset("train", train))
    aws.s3.put("datasets/held_out/held_out.jsonl", dataset("held_out", held_out))
