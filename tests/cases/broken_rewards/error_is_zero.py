"""A parser that raises on what it does not know, and a net below it that calls that wrong."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    try:
        return float(float(text.split("####")[1].strip()) == float(reference))
    except (IndexError, ValueError):
        return 0.0


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="renderings", probe="boxed")
