"""The first number of the text, which is one of the reasoning's."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    found = re.findall(r"-?\d+(?:\.\d+)?", text)
    return float(bool(found) and float(found[0]) == float(reference))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="gold", probe="gold")
