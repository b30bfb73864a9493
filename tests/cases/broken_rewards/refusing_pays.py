"""Its author's own code: politeness is half of the score, and a refusal is polite."""

from tests.cases.tried_reward import TriedReward, each, row


def score(text: str, reference: str) -> float:
    return 0.5 * (reference in text) + 0.5 * any(word in text for word in ("please", "sorry", "help"))


GOOD = [f"blue, please, {number}" for number in range(20)]
BAD = [f"red, {number}" for number in range(20)]

CASES = {
    "schema": 1,
    "cases": [{"prompt": "Describe the sky.", "reference_answer": "blue", "good": GOOD, "bad": BAD}],
}


TRIED = TriedReward(
    spec=None,
    rows=[row(f"Describe colour {number}.", "blue") for number in range(60)],
    answer=each(score),
    cases=CASES,
    fails="beats-refusal",
    probe="refusal",
)
