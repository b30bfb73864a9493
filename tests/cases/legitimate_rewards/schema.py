"""An object that obeys a schema, with the author's cases."""

import json

from tests.cases.tried_reward import TriedReward, row, spec

SCHEMA = {"type": "object", "properties": {"qty": {"type": "integer", "minimum": 1}}, "required": ["qty"]}
ROWS = [row(f"Order {n} as JSON", {"schema": SCHEMA}) for n in range(60)]
GOOD = [json.dumps({"qty": n}) for n in range(1, 21)]
BAD = [json.dumps({"qty": -n}) for n in range(1, 21)]
CASES = {
    "schema": 1,
    "cases": [{"prompt": "Order", "reference_answer": {"schema": SCHEMA}, "good": GOOD, "bad": BAD}],
}


TRIED = TriedReward(spec=spec("json_schema"), rows=ROWS, cases=CASES)
