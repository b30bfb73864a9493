"""A label that is wrong is worth almost as much as the right one."""

from tests.cases.tried_reward import LABEL, TEAMS, TriedReward, each, label_rows


def score(text: str, reference: str) -> float:
    named = text.strip(' .*"\n').lower().removeprefix("answer: ")
    return 1.0 if named == reference else 0.7 if named in TEAMS else 0.0


TRIED = TriedReward(spec=LABEL, rows=label_rows(), answer=each(score), fails="beats-other-gold", probe="other-gold")
