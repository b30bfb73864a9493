"""Several calls in one turn, in any order."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [
    row(
        f"Plan {n}",
        {
            "tool_calls": [
                {"name": "find", "arguments": {"id": n}},
                {"name": "book", "arguments": {"id": n, "day": n % 7}},
            ]
        },
    )
    for n in range(60)
]


TRIED = TriedReward(spec=spec("tool_calls", order="set"), rows=ROWS)
