"""Reads boxes alone, while the prompts ask for `####`: whoever obeys gets nothing."""

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    return float(f"\\boxed{{{reference}}}" in text)


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="prompts", probe="####")
