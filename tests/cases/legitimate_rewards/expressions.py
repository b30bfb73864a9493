"""Answers that are expressions, some of which are written in two ways."""

from tests.cases.tried_reward import TriedReward, row, spec

FORMS = ["\\sqrt{{{0}}}", "\\frac{{{0}}}{{7}}", "x^2+{0}x", "{0}", "{0}\\pi"]
ROWS = [row(f"Exercise {n}: answer in \\boxed{{}}.", FORMS[n % 5].format(n + 2)) for n in range(2)]

TRIED = TriedReward(spec=spec("math_latex"), rows=ROWS, timed=False)
