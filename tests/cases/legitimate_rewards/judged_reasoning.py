"""The result decides, and a judge grades the reasoning of what is right."""

import json
from collections.abc import Sequence

from rft_contract.json_value import JsonObject
from rft_contract.reward_spec import RewardSpec
from rft_rewards.judge_question import REASON, Answer, Question
from rft_runtime.grading import grade_batch
from tests.cases.tried_reward import Item, TriedReward, calibrated, math_rows

OPTIONS: JsonObject = {
    "verify": {"grader": "math", "options": {}},
    "model": "openai.gpt-oss-20b-1:0",
    "rubric": "reasoning",
    "retest_spread": 0.5,
}
SPEC = RewardSpec(name="tried", grader="verified_judge", options=OPTIONS)


class Judge:
    """Gives everybody the same grade."""

    def ask(self, questions: Sequence[Question], /) -> list[Answer]:
        """Answer each question in the form that is asked for."""
        return [
            Answer(text=json.dumps({REASON: "fine", **dict.fromkeys(one.grades, one.high - 1)})) for one in questions
        ]


def answer(event: list[Item]) -> list[Item]:
    """Grade an event with that judge."""
    return grade_batch(SPEC, event, {"judge": Judge()})  # type: ignore[arg-type]  # an event is JSON


TRIED = TriedReward(spec=SPEC, rows=math_rows(), answer=answer, calibration=calibrated(OPTIONS))
