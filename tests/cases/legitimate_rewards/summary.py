"""A summary, by the longest common subsequence of words."""

from tests.cases.tried_reward import TriedReward, row, spec

WORDS = ["river", "stone", "night", "wind", "grass", "cloud", "field", "road", "house", "light"]
ROWS = [
    row(f"Summarize text {n}.", " ".join(WORDS[(n * step + place) % 10] for place in range(9)) + f" {n}")
    for n, step in ((number, number % 7 + 1) for number in range(60))
]


TRIED = TriedReward(spec=spec("text", metric="rouge_l", floor=-1.0), rows=ROWS)
