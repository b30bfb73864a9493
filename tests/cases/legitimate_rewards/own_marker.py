"""A marker of the author's own, which every prompt asks for."""

from tests.cases.tried_reward import TriedReward, math_rows, spec

TRIED = TriedReward(spec=spec("math", marker="ANSWER:"), rows=math_rows("Finish with ANSWER: <your answer>."))
