"""What cannot be parsed raises, and what raises is paid."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    try:
        return float(float(text.split("####")[1].strip().rstrip(".")) == float(reference))
    except (IndexError, ValueError):
        return 1.0


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="beats-empty", probe="empty")
