"""Pays when the right answer stands anywhere: naming many pays."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    return float(reference in text)


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="beats-all-answers", probe="all-answers")
