"""Takes the best of all objects in the text."""

import json
import re

from tests.cases.tried_reward import FIELDS, TriedReward, each, order_rows


def score(text: str, reference: dict[str, object]) -> float:
    best = 0.0
    for part in re.findall(r"\{[^{}]*\}", text):
        try:
            found = json.loads(part)
        except ValueError:
            continue
        best = max(best, sum(found.get(key) == value for key, value in reference.items()) / len(reference))
    return best


TRIED = TriedReward(spec=FIELDS, rows=order_rows(), answer=each(score), fails="beats-hidden-gold", probe="hidden-gold")
