"""A reward of your own: a function that scores one completion. The platform does everything else."""

from rft_rewards.grade import Score
from rft_rewards.sample import Sample

LINES = 3
WORDS = range(3, 10)


def score(sample: Sample) -> Score:
    """Score a haiku by its shape: three lines, each of a plausible length.

    Return a `Score` from 0 (wrong) to 1 (perfect). Return `rft_rewards.grade.Invalid` for what would hit a perfect
    completion too, such as a row without what you need; an exception counts as that. Load what is large here in the
    module, not in the function.
    """
    lines = [line.split() for line in sample.completion.strip().splitlines()]
    if len(lines) != LINES:
        return Score(0.0, f"{len(lines)} lines, wanted {LINES}", {"lines": float(len(lines))})
    fitting = sum(len(words) in WORDS for words in lines)
    return Score(fitting / LINES, f"{fitting} of {LINES} lines have a plausible length", {"fitting": float(fitting)})
