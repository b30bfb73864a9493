"""A label behind a marker, after reasoning of any length."""

from tests.cases.tried_reward import TEAMS, TriedReward, row, spec

ROWS = [
    row(f"Think aloud about {', '.join(TEAMS)}; end with Label: <label>. Ticket {number}.", TEAMS[number % 6])
    for number in range(60)
]


TRIED = TriedReward(spec=spec("label", labels=TEAMS, marker="Label:", max_words=None), rows=ROWS)
