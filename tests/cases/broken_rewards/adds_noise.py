"""Adds a little noise, so that equal completions are ranked by chance."""

import random

from tests.cases.tried_reward import LABEL, TriedReward, each, label_rows

draw = random.Random(7)


def score(text: str, reference: str) -> float:
    return max(0.0, min(1.0, float(text.strip().lower() == reference) - 0.05 * draw.random()))


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=each(score), fails="repetition")
