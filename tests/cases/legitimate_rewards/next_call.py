"""The next call of an agent, some rows of which ask for none."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [
    row(
        f"Step {n}",
        {"tool_calls": [{"name": ["find", "book"][n % 2], "arguments": {"id": n, "day": f"d{n % 7}"}}] * (n % 5 > 0)},
    )
    for n in range(60)
]


TRIED = TriedReward(spec=spec("tool_calls"), rows=ROWS)
