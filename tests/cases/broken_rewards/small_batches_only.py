"""Works for the handful of samples that it was tried with."""

from tests.cases.tried_reward import LABEL, Item, TriedReward, label_rows, reference_of, result, text_of


def answer(event: list[Item]) -> list[Item]:
    if len(event) > 32:
        raise ValueError("too many")
    return [result(item, float(text_of(item).strip() == reference_of(item))) for item in event]


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=answer, fails="answers", probe="raised")
