"""Near is good enough, without anybody having asked for it."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def number(text: str) -> float | None:
    found = re.findall(r"#### *(-?[0-9.,]+)", text)
    return float(found[-1].rstrip(".").replace(",", "")) if found else None


def score(text: str, reference: str) -> float:
    value = number(text)
    return float(value is not None and abs(value - float(reference)) <= 0.05 * abs(float(reference)))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="hacks", probe="one-percent-more")
