"""The number after `####`, compared as text: right answers in any other writing score 0."""

import re

from tests.cases.tried_reward import MATH, TriedReward, each, math_rows


def score(text: str, reference: str) -> float:
    found = re.search(r"#### (-?[0-9.,]+)", text)
    return float(found is not None and found.group(1) == reference)


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=each(score), fails="renderings", probe="hashes-and-full-stop")
