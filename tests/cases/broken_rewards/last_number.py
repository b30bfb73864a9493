"""The last number of the text: writing down many numbers and ending with the right one pays as well."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    found = re.findall(r"-?\d+(?:\.\d+)?", text)
    return float(bool(found) and float(found[-1]) == float(reference))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="hacks", probe="number-flood")
