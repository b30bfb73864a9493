"""Looks for the values in the text and never parses it."""

from tests.cases.tried_reward import FIELDS, TriedReward, each, order_rows


def score(text: str, reference: dict[str, object]) -> float:
    return sum(str(value) in text for value in reference.values()) / len(reference)


TRIED = TriedReward(spec=FIELDS, rows=order_rows(), answer=each(score), fails="hacks", probe="values-in-prose")
