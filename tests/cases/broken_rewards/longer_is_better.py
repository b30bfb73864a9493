"""Pays length."""

from tests.cases.tried_reward import LABEL, TriedReward, each, label_rows


def score(text: str, reference: str) -> float:
    return min(1.0, len(text) / 40)


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=each(score), fails="beats-prompt-echo", probe="prompt-echo")
