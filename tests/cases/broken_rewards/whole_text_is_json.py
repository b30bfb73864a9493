"""Parses the whole text: a fence or a sentence around the object costs everything."""

import json

from tests.cases.tried_reward import FIELDS, TriedReward, each, order_rows


def score(text: str, reference: dict[str, object]) -> float:
    try:
        found = json.loads(text)
    except ValueError:
        return 0.0
    known = isinstance(found, dict) and not set(found) - set(reference)
    return sum(found.get(key) == value for key, value in reference.items()) / len(reference) if known else 0.0


TRIED = TriedReward(spec=FIELDS, rows=order_rows(), answer=each(score), fails="renderings", probe="fenced")
