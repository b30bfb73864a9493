"""References under a key, and prompts that ask for a box."""

from tests.cases.tried_reward import MATH, TriedReward, row

ROWS = [row(f"Exercise {n}. Use \\\\boxed{{}}.", {"final_answer": str(n), "steps": ["1"]}) for n in range(60)]


TRIED = TriedReward(spec=MATH, rows=ROWS)
