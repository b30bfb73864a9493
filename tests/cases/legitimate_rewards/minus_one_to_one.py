"""Scores from -1 to 1."""

from tests.cases.tried_reward import TriedReward, math_rows, spec

TRIED = TriedReward(spec=spec("math", floor=-1.0), rows=math_rows())
