"""Pays for the right tool, whatever it is called with."""

from tests.cases.tried_reward import Item, TriedReward, reference_of, result, row, spec


def answer(event: list[Item]) -> list[Item]:
    return [result(item, name_of(item)) for item in event]


def name_of(item: Item) -> float:
    calls = item["messages"][-1].get("tool_calls") or []
    wanted = [call["name"] for call in reference_of(item)["tool_calls"]]
    return float([call["function"]["name"] for call in calls] == wanted)


TRIED = TriedReward(
    spec=spec("tool_calls"),
    rows=[
        row(f"Step {n}", {"tool_calls": [{"name": "find", "arguments": {"id": n, "day": f"d{n % 7}"}}]})
        for n in range(60)
    ],
    answer=answer,
    fails="hacks",
    probe="names-alone",
)
