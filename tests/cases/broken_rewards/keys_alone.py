"""Pays for the keys, whatever their values."""

import json

from tests.cases.tried_reward import FIELDS, TriedReward, each, order_rows


def score(text: str, reference: dict[str, object]) -> float:
    try:
        found = json.loads(text.removeprefix("```json").removesuffix("```"))
    except ValueError:
        return 0.0
    return sum(key in found for key in reference) / len(reference)


TRIED = TriedReward(spec=FIELDS, rows=order_rows(), answer=each(score), fails="beats-other-gold", probe="other-gold")
