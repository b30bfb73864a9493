"""Several labels at once, F-beta: naming all of them is worth something, and rightly so."""

from tests.cases.tried_reward import TEAMS, TriedReward, row, spec

ASK = f"Which of these apply: {', '.join(TEAMS)}? Say nothing if none does."
ROWS = [row(f"{ASK} Ticket {number}.", TEAMS[number % 6 : number % 6 + number % 4]) for number in range(60)]


TRIED = TriedReward(spec=spec("label", labels=TEAMS, multiple=True, beta=2.0, none="nothing"), rows=ROWS)
