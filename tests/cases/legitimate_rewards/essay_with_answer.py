"""A long text that does not repeat itself and ends in the answer; novelty on top."""

from tests.cases.tried_reward import TriedReward, math_rows, spec

PARTS = {
    "answer": {"grader": "math", "weight": 0.6},
    "length": {"grader": "length", "options": {"at_least": 60, "buffer": 30}, "weight": 0.2},
    "repetition": {"grader": "repetition", "weight": 0.1},
    "novelty": {"grader": "novelty", "weight": 0.1},
}


TRIED = TriedReward(spec=spec("compose", graders=PARTS), rows=math_rows())
