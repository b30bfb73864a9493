"""Takes an answer that is a hundred times too large for a percentage."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def number(text: str) -> float | None:
    found = re.findall(r"#### *(-?[0-9.,]+)", text)
    return float(found[-1].rstrip(".").replace(",", "")) if found else None


def score(text: str, reference: str) -> float:
    value = number(text)
    return float(value is not None and float(reference) in (value, value / 100))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="hacks", probe="hundred-times")
