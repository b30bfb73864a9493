"""Its author's own code: content, and on top of it a share for keeping a length."""

from tests.cases.tried_reward import TriedReward, each, row


def score(text: str, reference: str) -> float:
    words = text.split()
    content = 0.7 * (reference in words and len(set(words)) < 30)
    return content + 0.3 * content * (5 <= len(words) <= 20)


ROWS = [row(f"Describe colour {number}.", ["red", "green", "blue"][number % 3]) for number in range(60)]
CASES = {
    "schema": 1,
    "cases": [
        {
            "prompt": "Describe the sky.",
            "reference_answer": "blue",
            "good": ["a deep and quiet blue", *["blue"] * 19],
            "bad": ["a deep and quiet red", *["red"] * 19],
        }
    ],
}


TRIED = TriedReward(spec=None, rows=ROWS, answer=each(score), cases=CASES)
