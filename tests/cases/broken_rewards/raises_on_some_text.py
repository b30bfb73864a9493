"""One completion that it cannot read loses the whole batch."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    return float(float(text.split("####")[1].strip()) == float(reference))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="answers", probe="raised")
