"""A reward of an author's own, as `own` calls it; graded by the fuzzer."""

from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.sample import Sample


def score(sample: Sample) -> Grade:
    """Compare the completion with the reference, letter by letter."""
    if not isinstance(sample.reference, str):
        return Invalid("reference-not-a-text")
    return Score(float(sample.completion == sample.reference), components={"length": float(len(sample.completion))})
