"""Its author's own code, which calls bad what it pays for."""

from tests.cases.tried_reward import TriedReward, each, row


def score(text: str, reference: str) -> float:
    return float("sky" in text)


GOOD = [f"the sky is blue, {number}" for number in range(20)]
BAD = [f"the sky is green, {number}" for number in range(20)]

CASES = {
    "schema": 1,
    "cases": [{"prompt": "Describe the sky.", "reference_answer": "blue", "good": GOOD, "bad": BAD}],
}


TRIED = TriedReward(
    spec=None,
    rows=[row(f"Describe colour {number}.", "blue") for number in range(60)],
    answer=each(score),
    cases=CASES,
    fails="cases",
)
