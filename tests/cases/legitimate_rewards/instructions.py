"""Verifiable instructions, which a refusal may follow by accident, with the author's cases."""

from tests.cases.tried_reward import TriedReward, row, spec

RULES = {"constraints": [{"kind": "words", "at_most": 20}, {"kind": "keyword", "text": "river"}]}
ROWS = [row(f"Write line {n} about the river, in 20 words at most.", RULES) for n in range(60)]
CASES = {
    "schema": 1,
    "cases": [
        {
            "prompt": "Write about the river.",
            "reference_answer": RULES,
            "good": [f"the river has {n} stones" for n in range(20)],
            "bad": [f"{'the stones are many and ' * 9} number {n}" for n in range(20)],
        }
    ],
}

TRIED = TriedReward(spec=spec("constraints"), rows=ROWS, cases=CASES)
