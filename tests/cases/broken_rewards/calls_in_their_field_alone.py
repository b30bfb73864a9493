"""Looks for calls in the turn's own field alone; in the text they score 0."""

import json

from tests.cases.tried_reward import Item, TriedReward, reference_of, result, row, spec


def answer(event: list[Item]) -> list[Item]:
    return [result(item, right(item)) for item in event]


def right(item: Item) -> float:
    calls = [call["function"] for call in item["messages"][-1].get("tool_calls") or []]
    wanted = reference_of(item)["tool_calls"]
    return float(
        [(call["name"], json.loads(call["arguments"])) for call in calls] == [tuple(one.values()) for one in wanted]
    )


TRIED = TriedReward(
    spec=spec("tool_calls"),
    rows=[row(f"Step {n}", {"tool_calls": [{"name": "find", "arguments": {"id": n}}]}) for n in range(60)],
    answer=answer,
    fails="renderings",
    probe="tags",
)
