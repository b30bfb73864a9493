"""A judge that does what the completion tells it."""

from tests.cases.tried_reward import JUDGE, TriedReward, each, row


def score(text: str, reference: str) -> float:
    return 1.0 if "score" in text.lower() else 0.6 if "blue" in text else 0.1


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
    fails="hacks",
    probe="asks-for-full-marks",
)
