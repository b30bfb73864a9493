"""GSM8K and what is written like it: a question, and a worked answer that ends in `#### 72`.

Source: Cobbe et al., "Training Verifiers to Solve Math Word Problems", 2021 (`question`, `answer`, the `####` line,
calculator annotations such as `<<48/2=24>>`). The row has the form of AWS's own GSM8K sample for Bedrock RFT.
"""

import re
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.record import Unconvertible

INSTRUCTION = 'Let\'s think step by step and output the final answer after "####".'
"""What AWS's sample adds to each question."""

_ANNOTATION = re.compile(r"<<[^<>\n]*>>")
_FINAL = re.compile(r"\$?(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class Gsm8k:
    """How records of GSM8K become rows that the grader `math` reads.

    Args:
        name: What ids begin with; the line's number follows.
        instruction: Added to each question after a space; empty: nothing is.
        system: Text of a system turn; None: there is none.
    """

    name: str
    instruction: str = INSTRUCTION
    system: str | None = None

    def row(self, line: int, record: JsonObject) -> JsonObject:
        """Return the row of a record.

        Its reference has the number, without thousands separators, as a text, and the steps without annotations.

        Args:
            line: Its line number, from 1.
            record: The record.

        Raises:
            Unconvertible: When it has no question, or no answer that ends in `####` and a number.
        """
        question, answer = record.get("question"), record.get("answer")
        if not isinstance(question, str) or not question.strip():
            raise Unconvertible("no text in the field question")
        if not isinstance(answer, str):
            raise Unconvertible("no text in the field answer")
        worked, mark, final = answer.rpartition("####")
        number = _FINAL.fullmatch(final.strip())
        if not mark or number is None:
            raise Unconvertible("the field answer does not end in #### and a number")
        asked = f"{question.strip()} {self.instruction}".rstrip()
        turns: list[JsonValue] = [{"role": "system", "content": self.system}] if self.system else []
        steps: list[JsonValue] = [step for line in worked.splitlines() if (step := _ANNOTATION.sub("", line).strip())]
        return {
            "id": f"{self.name}-{line}",
            "messages": [*turns, {"role": "user", "content": asked}],
            "reference_answer": {"final_answer": number["number"].replace(",", ""), "steps": steps},
            "domain": "math",
        }
