"""Returns its scores as texts."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> str:
    return "1.0" if reference in text else "0.0"


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="answers", probe="score")
