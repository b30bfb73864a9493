"""Scores from 0 to 100, while it declares 0 to 1."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def number(text: str) -> float | None:
    found = re.findall(r"#### *(-?[0-9.,]+)", text)
    return float(found[-1].rstrip(".").replace(",", "")) if found else None


def score(text: str, reference: str) -> float:
    return 100.0 * (number(text) == float(reference))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="answers", probe="range")
