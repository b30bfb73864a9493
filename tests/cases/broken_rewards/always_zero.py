"""Pays nothing."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    return 0.0


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="gold", probe="gold")
