"""References that are worked solutions."""

from tests.cases.tried_reward import MATH, TriedReward, row

ROWS = [
    row(
        f"Exercise {number}. Put the answer after ####.",
        f"{number} + 1 = <<{number}+1={number + 1}>>\\n#### {number + 1:,}",
    )
    for number in range(970, 1030)
]


TRIED = TriedReward(spec=MATH, rows=ROWS)
