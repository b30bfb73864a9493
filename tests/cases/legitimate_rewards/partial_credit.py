"""An object field by field, with neighbours that share most fields."""

from tests.cases.tried_reward import FIELDS, TriedReward, row

ROWS = [
    row(f"Order {number} as JSON", {f"field_{place}": (number + place) % 3 for place in range(12)} | {"id": number})
    for number in range(60)
]


TRIED = TriedReward(spec=FIELDS, rows=ROWS)
