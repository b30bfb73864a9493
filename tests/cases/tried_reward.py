"""Rewards to certify, with small datasets. Each file of `broken_rewards` and `legitimate_rewards` is one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from rft_contract.reward_spec import RewardSpec
from rft_rewards.grade import AnyGrader
from rft_rewards.registry import build
from rft_runtime.calibration import Calibration, Estimate, prompt_of
from rft_runtime.certificate import Verdict
from rft_runtime.grading import grade_event, results
from rft_runtime.reward_events import read_event

Row = dict[str, Any]
Item = dict[str, Any]
Answer = Callable[[list[Item]], Any]

TEAMS = ["billing", "delivery", "account", "returns", "technical", "sales"]

_STORY = "You answer briefly."


@dataclass(frozen=True, kw_only=True)
class TriedReward:
    """A reward with its dataset.

    Args:
        spec: What it says that it is made of; None: its author's own code.
        rows: The dataset.
        answer: The function. None: what `spec` says.
        cases: The author's good and bad completions.
        calibration: Of its judge.
        timed: Whether it is fast enough for a test to measure its time.
        fails: The check that must fail, for a broken one.
        probe: What its findings must name.
    """

    spec: RewardSpec | None
    rows: Sequence[Row]
    answer: Answer | None = None
    cases: dict[str, Any] | None = None
    calibration: Calibration | None = None
    timed: bool = True
    fails: str = ""
    probe: str = ""

    def __call__(self, event: bytes, /) -> bytes:
        """Answer an event, as Lambda would."""
        items = json.loads(event)
        if self.answer is not None:
            return json.dumps(self.answer(items)).encode()
        assert self.spec is not None
        return json.dumps(results(grade_event(read_event(items), self.grader, self.spec))).encode()

    @cached_property
    def grader(self) -> AnyGrader:
        """What `spec` says, made once as in the deployed function."""
        assert self.spec is not None
        return build(self.spec)


def each(score: Callable[[str, Any], Any]) -> Answer:
    """Return a function that scores completions one by one, by text and reference."""

    def answer(event: list[Item]) -> list[dict[str, Any]]:
        return [result(item, score(text_of(item), reference_of(item))) for item in event]

    return answer


def result(item: Item, score: Any) -> dict[str, Any]:
    """Return Bedrock's result for an item."""
    return {"id": item["id"], "aggregate_reward_score": score, "metrics_list": []}


def text_of(item: Item) -> str:
    """Return the generated text."""
    text: str = item["messages"][-1]["content"]
    return text


def reference_of(item: Item) -> Any:
    """Return the reference answer."""
    return item["metadata"].get("reference_answer")


def math_rows(ask: str = 'Give the final answer after "####".', count: int = 60) -> list[Row]:
    """Return sums, some of them large, negative or with decimals."""
    values = [str(37 * number - 400) if number % 5 else f"{number}.5" for number in range(1, count + 1)]
    return [row(f"Exercise {number}: what is it? {ask}", value) for number, value in enumerate(values)]


def label_rows(labels: Sequence[str] = TEAMS, count: int = 60) -> list[Row]:
    """Return tickets whose prompt names every label."""
    ask = f"Answer with one of: {', '.join(labels)}."
    return [row(f"{ask} Ticket {number}.", labels[number % len(labels)]) for number in range(count)]


def order_rows(count: int = 60) -> list[Row]:
    """Return orders to be extracted as JSON."""
    names, items = ["Ann", "Bob", "Cem", "Dia", "Eve"], ["lamp", "desk", "chair"]
    return [
        row(
            f"Extract order {number} as JSON with name, item and qty.",
            {"name": names[number % 5], "item": items[number % 3], "qty": number % 7 + 1},
        )
        for number in range(count)
    ]


def row(prompt: str, reference: Any = None, **fields: Any) -> Row:
    """Return a row of a dataset."""
    messages = [{"role": "system", "content": _STORY}, {"role": "user", "content": prompt}]
    return {"messages": messages, **({} if reference is None else {"reference_answer": reference}), **fields}


def spec(grader: str, floor: float = 0.0, ceiling: float = 1.0, **options: Any) -> RewardSpec:
    """Return a reward of a built-in grader."""
    return RewardSpec(name="tried", grader=grader, options=options, floor=floor, ceiling=ceiling)


MATH = spec("math")
LABEL = spec("label", labels=TEAMS)
FIELDS = spec("json_fields")
JUDGE = spec("judge", model="openai.gpt-oss-20b-1:0", rubric="reasoning")


def calibrated(options: dict[str, Any]) -> Calibration:
    """Return the calibration of a judge that agrees with people."""
    hashes = prompt_of(options).hashes()
    return Calibration(
        prompt_sha256=hashes["prompt_sha256"],
        rubric_sha256=hashes["rubric_sha256"],
        model_sha256=hashes["model_sha256"],
        model=options["model"],
        samples=1,
        labels_sha256="f" * 64,
        labelled="items",
        count=60,
        ungraded=0,
        statistic="spearman",
        agreement=Estimate(value=0.8, low=0.7, high=0.9),
        constant=0.0,
        length=Estimate(value=0.1, low=0.0, high=0.2),
        same_share=None,
        constant_share=None,
        retest_spread=0.5,
        verbosity_bias=Estimate(value=0.0, low=-0.1, high=0.1),
        position_bias=None,
        tokens_in=1,
        tokens_out=1,
        stand_in=None,
        made=datetime(2026, 11, 25, tzinfo=UTC),
        verdict=Verdict.PASSED,
        reason="agreement 0.8 lies above both baselines",
    )
