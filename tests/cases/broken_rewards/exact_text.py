"""Wants the label and nothing else, not even a full stop."""

from tests.cases.tried_reward import LABEL, TriedReward, each, label_rows


def score(text: str, reference: str) -> float:
    return float(text == reference)


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=each(score), fails="renderings", probe="full-stop")
