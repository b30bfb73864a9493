"""Its author's own code, which knows one of many good answers."""

from tests.cases.tried_reward import TriedReward, each, row


def score(text: str, reference: str) -> float:
    return float(text == "blue")


GOOD = ["blue", *[f"a deep blue, {number}" for number in range(19)]]
BAD = [f"a deep red, {number}" for number in range(20)]

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
