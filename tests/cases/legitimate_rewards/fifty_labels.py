"""Fifty labels, some of them inside others."""

from tests.cases.tried_reward import TriedReward, label_rows, spec

LABELS = [f"topic {number}" for number in range(45)] + ["account", "account access", "tax-return", "tax", "refund"]


TRIED = TriedReward(spec=spec("label", labels=LABELS), rows=label_rows(LABELS, 200))
