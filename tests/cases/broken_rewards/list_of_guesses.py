"""Wants the reference's words anywhere in the text: a list of guesses holds them."""

from tests.cases.tried_reward import TriedReward, each, row, spec


def score(text: str, reference: str) -> float:
    return float(reference.lower() in text.lower())


TRIED = TriedReward(
    spec=spec("text", metric="exact"),
    rows=[row(f"Who is number {number}?", f"Person {number}") for number in range(60)],
    answer=each(score),
    fails="beats-all-answers",
    probe="all-answers",
)
