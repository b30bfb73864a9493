"""A name anywhere in a short sentence."""

from tests.cases.tried_reward import TriedReward, row, spec

ROWS = [row(f"Who is number {n}?", {"text": f"Person Nr {n} of Anytown"}) for n in range(60)]


TRIED = TriedReward(spec=spec("text", metric="contains", extra_words=8), rows=ROWS)
