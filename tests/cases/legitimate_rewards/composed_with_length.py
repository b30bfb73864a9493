"""The answer, a gate on its form, and a share for brevity."""

from tests.cases.tried_reward import TriedReward, math_rows, spec

PARTS = {
    "layout": {"grader": "format", "options": {"required": ["(?m)^#### \\S+$"]}, "gate": 1},
    "answer": {"grader": "math", "weight": 0.9},
    "brevity": {"grader": "length", "options": {"at_most": 60, "buffer": 60}, "weight": 0.1},
}


TRIED = TriedReward(spec=spec("compose", graders=PARTS), rows=math_rows())
