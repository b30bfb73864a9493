"""Divides by the best score of the event: a sample's score depends on its neighbours."""

from tests.cases.tried_reward import LABEL, Item, TriedReward, label_rows, result, text_of


def answer(event: list[Item]) -> list[Item]:
    lengths = [len(text_of(item)) for item in event]
    return [result(item, length / max([1, *lengths])) for item, length in zip(event, lengths, strict=True)]


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=answer, fails="repetition")
