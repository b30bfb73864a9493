"""Two labels: another row's answer is right every second time."""

from tests.cases.tried_reward import TriedReward, label_rows, spec

TRIED = TriedReward(spec=spec("label", labels=["yes", "no"]), rows=label_rows(["yes", "no"]))
