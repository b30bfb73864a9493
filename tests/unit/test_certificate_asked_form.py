"""Which form a prompt asks for."""

import pytest

from rft_runtime.certification.asked_form import asked_forms


@pytest.mark.parametrize(
    ("instructions", "forms"),
    [
        ("End with #### and the number.", ["####"]),
        ("Write #### followed by the result.", ["####"]),
        ("Give the answer after ####", ["####"]),
        ("Finish with `#### 72`.", ["####"]),
        ("Schließe mit #### und der Zahl.", ["####"]),
        ("Output #### (number)", ["####"]),
        ("Put it in <answer> tags.", ["<answer>"]),
        ("The HTML has an <output> element.", []),
        ("#### Task\nEnd with #### and the number.", ["####"]),
        ("RESULT: [number]", ["RESULT:"]),
        ("Say\nJudgement: <yes or no>\nand\nFinal answer: [number]", ["Judgement:", "Final answer:"]),
        ("Put it in \\boxed{}.", ["\\boxed{}"]),
        ("Think, then write <answer>...</answer>.", ["<answer>"]),
        ("End with\nANSWER: your number", ["ANSWER:"]),
        ('Reply with {"answer": 72}', ['{"answer": ...}']),
        ("#### Task\nHow many are left?", []),
        ("##### Answer the question", []),
        ("The result is up to you.", []),
        ("", []),
    ],
)
def test_forms_of_the_table(instructions: str, forms: list[str]) -> None:
    assert [form.name for form in asked_forms(instructions)] == forms
