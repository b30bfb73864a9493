"""Pays when the label stands anywhere: naming all of them pays always."""

from tests.cases.tried_reward import LABEL, TriedReward, each, label_rows


def score(text: str, reference: str) -> float:
    return float(reference in text.lower())


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=each(score), fails="beats-all-answers", probe="all-answers")
