"""An answer without a number scores NaN, which JSON does not have."""

import math
import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def number(text: str) -> float | None:
    found = re.findall(r"#### *(-?[0-9.,]+)", text)
    return float(found[-1].rstrip(".").replace(",", "")) if found else None


def score(text: str, reference: str) -> float:
    value = number(text)
    return math.nan if value is None else float(value == float(reference))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="answers", probe="not-json")
