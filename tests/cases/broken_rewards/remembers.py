"""Pays nothing for what was in the event before: a completion's score depends on what was graded earlier."""

from tests.cases.tried_reward import LABEL, Item, TriedReward, label_rows, reference_of, result, text_of

seen: set[str] = set()


def answer(event: list[Item]) -> list[Item]:
    """Grade an event and remember it."""
    results = [
        result(item, float(text_of(item).strip().lower() == reference_of(item) and item["id"] not in seen))
        for item in event
    ]
    seen.clear()
    seen.update(item["id"] for item in event)
    return results


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=answer, fails="repetition")
