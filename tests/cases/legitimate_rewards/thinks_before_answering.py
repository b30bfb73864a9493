"""Blocks for thought and answer, before the label counts."""

from tests.cases.tried_reward import TEAMS, TriedReward, row, spec

PARTS = {
    "blocks": {"grader": "format", "options": {"blocks": ["think", "answer"]}, "level": 1},
    "label": {"grader": "label", "options": {"labels": TEAMS}, "level": 2},
}

ASK = f"Think in <think></think>, then answer in <answer></answer> with one of: {', '.join(TEAMS)}."
ROWS = [row(f"{ASK} Ticket {number}.", TEAMS[number % 6]) for number in range(60)]

TRIED = TriedReward(spec=spec("compose", graders=PARTS, steps=1), rows=ROWS)
