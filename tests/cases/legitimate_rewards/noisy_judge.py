"""A judge whose scores spread, and never reach the top."""

import random

from tests.cases.tried_reward import JUDGE, TriedReward, calibrated, each, row

draw = random.Random(3)


def score(text: str, reference: str) -> float:
    on_topic = len(set(text.lower().split()) & {"river", "stone", "wind", "night"}) / 4
    return min(1.0, max(0.0, 0.1 + 0.7 * on_topic + draw.gauss(0, 0.07)))


ROWS = [
    row(f"Write line {number} of a poem.", rft_gold=f"The river and the stone, wind of the night {number}.")
    for number in range(60)
]
CASES = {
    "schema": 1,
    "cases": [
        {
            "prompt": "Write a line.",
            "good": [f"night wind on the river, stone {number}" for number in range(20)],
            "bad": [f"buy now, offer {number}" for number in range(20)],
        }
    ],
}


TRIED = TriedReward(spec=JUDGE, rows=ROWS, answer=each(score), cases=CASES, calibration=calibrated(JUDGE.options))
