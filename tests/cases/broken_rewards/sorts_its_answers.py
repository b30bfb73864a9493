"""Returns the results best first, not in the event's order."""

from tests.cases.tried_reward import MATH, Item, TriedReward, math_rows, reference_of, result, text_of


def answer(event: list[Item]) -> list[Item]:
    results = [result(item, float(text_of(item).endswith(f"#### {reference_of(item)}"))) for item in event]
    return sorted(results, key=lambda one: -float(one["aggregate_reward_score"]))


TRIED = TriedReward(spec=MATH, rows=math_rows(), answer=answer, fails="answers", probe="ids")
