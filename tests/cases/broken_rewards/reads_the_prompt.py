"""Looks for the label in the whole conversation, where the prompt names every label."""

from tests.cases.tried_reward import LABEL, Item, TriedReward, label_rows, reference_of, result


def answer(event: list[Item]) -> list[Item]:
    return [
        result(item, float(any(reference_of(item) in turn["content"] for turn in item["messages"]))) for item in event
    ]


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=answer, fails="beats-empty", probe="empty")
