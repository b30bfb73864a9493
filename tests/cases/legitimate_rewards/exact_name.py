"""A name, as text, in any case and with or without quotation marks."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [row(f"Who is number {n}?", [f"Person {n}", f"P. {n}"] if n % 2 else f"Person {n}") for n in range(60)]


TRIED = TriedReward(spec=spec("text", metric="exact"), rows=ROWS)
