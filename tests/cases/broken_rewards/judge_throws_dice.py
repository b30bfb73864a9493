"""A judge that is not of one mind with itself."""

import random

from tests.cases.tried_reward import JUDGE, TriedReward, each, row

draw = random.Random(5)


def score(text: str, reference: str) -> float:
    return min(1.0, max(0.0, ("blue" in text) * 0.6 + draw.uniform(0, 0.8)))


GOOD = [f"a deep blue, {number}" for number in range(20)]
BAD = [f"a deep red, {number}" for number in range(20)]

CASES = {
    "schema": 1,
    "cases": [{"prompt": "Describe the sky.", "reference_answer": "blue", "good": GOOD, "bad": BAD}],
}


TRIED = TriedReward(
    spec=JUDGE,
    rows=[row(f"Describe colour {number}.", rft_gold="a deep blue") for number in range(60)],
    answer=each(score),
    cases=CASES,
    fails="repetition",
)
