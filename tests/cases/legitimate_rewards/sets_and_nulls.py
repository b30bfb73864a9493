"""Lists in any order, unknown fields ignored, and golds that are partly null or empty."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [
    row(f"Order {number} as JSON", {"tags": ["a", "b", f"t{number}"], "note": None, "name": f"N {number}", "city": ""})
    for number in range(60)
]


TRIED = TriedReward(spec=spec("json_fields", lists="set", extra="ignore", strings="exact"), rows=ROWS)
