"""Numbers with decimal commas, in completions and references alike."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [
    row(f"Aufgabe {n}: schreibe die Antwort nach ####.", f"{37 * n},5" if n % 3 else f"{1000 * n}") for n in range(60)
]


TRIED = TriedReward(spec=spec("math", separators="continental"), rows=ROWS)
