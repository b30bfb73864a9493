"""Ten answers to one question, graded by a plain regular expression and by the `math` grader.

The regular expression is what many training scripts for GSM8K use: the first number after `####`, compared as text.
"""

import re
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from rft_rewards.grade import Score
from rft_rewards.math import math
from rft_rewards.sample import Sample

REFERENCE = "990"
ANSWERS = (
    "#### 990",
    "#### 990.",
    "#### $990",
    "#### 990.00",
    "#### **990**",
    "So it is \\boxed{990}",
    "The answer is 990.",
    "#### 990 or 1080",
    "#### 990\nWait, no.\n#### 1012",
    "#### 980",
)
_PLAIN = re.compile(r"#### (-?[0-9.,]+)")


@dataclass(frozen=True)
class Verdict:
    """One answer, graded twice.

    Args:
        answer: The completion.
        plain: The regular expression's reward.
        ours: The `math` grader's reward.
        why: The grader's reason.
    """

    answer: str
    plain: float
    ours: float
    why: str


def first_look() -> list[Verdict]:
    """Grade the ten answers."""
    grader = math()
    verdicts = []
    for answer in ANSWERS:
        grade = grader(Sample(answer, REFERENCE))
        assert isinstance(grade, Score), grade
        verdicts.append(Verdict(answer, plain_reward(answer, REFERENCE), grade.value, grade.explanation))
    return verdicts


def plain_reward(answer: str, reference: str) -> float:
    """Return the reward that a plain regular expression gives."""
    found = _PLAIN.search(answer)
    return float(found is not None and found.group(1).replace(",", "") == reference)


def table(verdicts: list[Verdict]) -> Table:
    """Return the comparison for a terminal; disagreements stand out."""
    drawn = Table(title=f"Ten answers, reference {REFERENCE}", title_justify="left", box=None, pad_edge=False)
    drawn.add_column("answer", style="", header_style="dim")
    drawn.add_column("regex", justify="right", header_style="dim")
    drawn.add_column("math grader", justify="right", header_style="dim")
    drawn.add_column("", header_style="dim")
    for verdict in verdicts:
        agree = verdict.plain == verdict.ours
        drawn.add_row(
            Text(verdict.answer.replace("\n", " ⏎ ")),
            Text(f"{verdict.plain:g}", "" if agree else "red"),
            Text(f"{verdict.ours:g}", "" if agree else "green"),
            Text("" if agree else f"← {verdict.why}", "dim"),
        )
    return drawn
