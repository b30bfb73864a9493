"""A cost matrix: a near miss is worth almost as much as the right answer."""

from tests.cases.tried_reward import TriedReward, label_rows, spec

COSTS = {
    "low": {"medium": 1, "high": 5},
    "medium": {"low": 1, "high": 1},
    "high": {"medium": 1, "low": 10},
}


TRIED = TriedReward(
    spec=spec("label", labels=["low", "medium", "high"], costs=COSTS), rows=label_rows(["low", "medium", "high"])
)
