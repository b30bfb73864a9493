"""Whether prompts tell the model the form that its reward reads."""

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import Finding, Severity
from rft_runtime.alignment.pattern_text import plain_texts
from rft_runtime.alignment.prompt import Prompt
from rft_runtime.alignment.requirements import requirements_of
from rft_runtime.alignment.stated_length import stated_lengths
from rft_runtime.prompt_alignment import aligned_to

ROOT = Path(__file__).resolve().parents[2]
CASES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "cases" / "prompt_alignment.json").read_text())
TAIL = ' Output the final answer after "####".'


def reward(grader: str, **options: JsonValue) -> RewardSpec:
    return RewardSpec(name="mine", grader=grader, options=options)


def row(user: str, *, system: str = "", reference: JsonValue = "7", **more: JsonValue) -> JsonObject:
    turns: list[JsonValue] = [{"role": "system", "content": system}] if system else []
    return {"messages": [*turns, {"role": "user", "content": user}], "reference_answer": reference, **more}


def checked(rows: Sequence[JsonObject] | bytes, spec: RewardSpec | None) -> Check:
    data = rows if isinstance(rows, bytes) else b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    return check([Source("train", "train.jsonl", io.BytesIO(data))], readers=aligned_to(spec))


def forms(found: Check) -> list[Finding]:
    return [finding for finding in found.findings if finding.code.endswith("-form")]


def facts(found: Check) -> Any:
    return found.facts["train"]["alignment"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['grader']}-{case['user'][:40]}")
def test_cases(case: dict[str, Any]) -> None:
    prompt = Prompt(
        system=case.get("system", ""),
        user=case["user"],
        shown=case.get("shown", ""),
        tools=tuple(case["tools"]) if "tools" in case else None,
        raw_reference=json.dumps(case.get("reference", "7")).encode(),
    )
    found = requirements_of(reward(case["grader"], **case.get("options", {})))
    telling = [told for one in found.listed if (told := one.told_by(prompt)) is not None]
    instead = [told.instead for told in telling if told.instead]
    assert instead == case.get("instead", [])
    assert [item for told in telling if not told.instead for item in told.missing] == case.get("missing", [])


def test_every_grader_is_known_or_says_why_not() -> None:
    tried = {case["grader"] for case in CASES}
    assert tried == GRADERS.keys()
    for grader in GRADERS:
        case = next(case for case in CASES if case["grader"] == grader)
        found = requirements_of(reward(grader, **case.get("options", {})))
        assert found.listed or found.silent


def test_a_share_of_prompts_without_the_form_is_counted_exactly() -> None:
    without = set(random.Random(5).sample(range(1000), 300))
    found = checked([row(f"How many are {n}?{'' if n in without else TAIL}") for n in range(1000)], reward("math"))
    (finding,) = forms(found)
    assert (finding.code, finding.severity, finding.line) == ("unclear-form", Severity.WARNING, 0)
    assert finding.message.startswith("300 of 1,000 prompts (30 %, 95 % interval 27 to 33 %) do not tell the model")
    (told,) = facts(found)["requirements"]
    assert facts(found)["clear"] == 0.7
    assert (told["prompts"], told["unclear"]["prompts"], told["conflicting"]["prompts"]) == (1000, 300, 0)
    lines = told["unclear"]["lines"]
    assert len(lines) == 5
    assert {line - 1 for line in lines} <= without
    assert (lines[0], lines[-1]) == (min(without) + 1, max(without) + 1)
    assert ", ".join(map(str, lines)) in finding.message


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["told", "silent", "rival"]), min_size=1, max_size=40),
    st.sampled_from(
        [
            (reward("math"), TAIL, " Put it between <solution> and </solution>."),
            (reward("math", marker="SUM:"), " End with SUM: and the number.", " End with\nVERDICT: [number]"),
            (reward("json_fields", fields=["qty"]), " As JSON: qty.", " As YAML: qty."),
            (reward("format", blocks=["answer"]), " In <answer></answer>.", " In <result></result>."),
            (reward("length", at_most=90, buffer=9), " In 80 words.", " In 500 words."),
            (reward("text", metric="exact"), " Answer with the name only.", " Think step by step."),
        ]
    ),
)
def test_every_prompt_is_counted_once(plan: list[str], example: tuple[RewardSpec, str, str]) -> None:
    spec, told, rival = example
    tails = {"told": told, "silent": "", "rival": rival}
    found = facts(checked([row(f"What is it, {n}?{tails[kind]}") for n, kind in enumerate(plan)], spec))
    first = found["requirements"][0]
    assert first["prompts"] == len(plan)
    assert first["unclear"]["prompts"] == plan.count("silent")
    assert first["conflicting"]["prompts"] == plan.count("rival")


def test_another_form_is_worse_than_none_and_has_its_own_code() -> None:
    rows = [row(f"How many? {n} Put it between <solution> and </solution>.") for n in range(10)]
    found = checked([*rows, *[row(f"How many? {n}{TAIL}") for n in range(10)]], reward("math"))
    (finding,) = forms(found)
    assert (finding.code, finding.severity) == ("conflicting-form", Severity.WARNING)
    assert "(<solution> in 10)" in finding.message


def test_below_one_percent_it_is_advice() -> None:
    rows = [row(f"How many? {n}{TAIL}") for n in range(200)]
    (finding,) = forms(checked([*rows, row("How many?")], reward("math")))
    assert (finding.code, finding.severity) == ("seldom-unclear-form", Severity.ADVICE)
    assert finding.message.endswith(": line 201")
    (finding,) = forms(checked([*rows[:99], row("How many?")], reward("math")))
    assert finding.code == "unclear-form"


def test_missing_names_are_told_with_their_counts() -> None:
    spec = reward("label", labels=["billing", "delivery", "sales"])
    some = [row(f"Is it billing? {n}") for n in range(6)]
    (finding,) = forms(checked([*some, *[row(f"billing or delivery? {n}") for n in range(4)]], spec))
    assert "do not tell the model every label (missing: sales in 10; delivery in 6)" in finding.message


def test_names_from_few_rows_are_data_and_are_not_shown() -> None:
    rows = [row(f"As JSON: city {n}", reference={"city": "x", "zip": "y", f"canary{n}": 1}) for n in range(20)]
    found = checked(rows, reward("json_fields"))
    assert "zip in 20" in forms(found)[0].message
    assert not any("canary" in finding.message for finding in found.findings)
    assert "canary" not in json.dumps(facts(found))


def test_two_parts_of_one_grader_are_both_asked_for() -> None:
    parts: JsonObject = {
        name: {"grader": "json_fields", "options": {"fields": [name]}, "weight": 1} for name in ("alpha", "beta")
    }
    told = [row(f"As JSON with beta: {n}", reference={"alpha": n, "beta": n}) for n in range(20)]
    messages = [finding.message for finding in forms(checked(told, reward("compose", graders=parts)))]
    assert len(messages) == 1
    assert "alpha in 20" in messages[0]


def test_findings_quote_no_text_of_the_data() -> None:
    for case in CASES:
        canary = row(f"CANARY {case['user']} CANARY", reference=case.get("reference", "7"))
        found = checked([canary] * 3, reward(case["grader"], **case.get("options", {})))
        assert "CANARY" not in json.dumps(found.to_json())


def test_what_nobody_has_to_tell_is_said_so() -> None:
    found = facts(checked([row("Write a story.")], None))
    assert found == {
        "prompts": 1,
        "clear": None,
        "requirements": [],
        "not_applicable": {"own": "it is the author's own code"},
    }


@pytest.mark.parametrize(
    ("grader", "options"),
    [
        ("maths", {}),
        ("math", {"separators": "martian"}),
        ("math", {"unknown": 1}),
        ("label", {}),
        ("label", {"labels": "billing"}),
        ("compose", {"graders": {"one": "math"}}),
        ("verified_judge", {"model": "m"}),
    ],
)
def test_illegal_options_are_one_line(grader: str, options: JsonObject) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        aligned_to(reward(grader, **options))


@pytest.mark.parametrize(
    ("folder", "spec"),
    [
        (
            "routing",
            reward("label", labels=["billing", "delivery", "account", "returns", "technical", "sales"]),
        ),
        ("orders", reward("json_fields", fields=["name", "item", "qty"])),
    ],
)
@pytest.mark.parametrize("split", ["train", "validation", "held_out"])
def test_the_examples_tell_what_their_rewards_read(folder: str, spec: RewardSpec, split: str) -> None:
    found = checked((ROOT / "examples" / folder / f"{split}.jsonl").read_bytes(), spec)
    assert not forms(found)
    assert facts(found)["clear"] == 1


def test_a_system_turn_counts_and_so_does_an_example() -> None:
    system = row("How many?", system="End with #### and the number.")
    shown: JsonObject = {
        "messages": [
            {"role": "user", "content": "How many?"},
            {"role": "assistant", "content": "#### 4"},
            {"role": "user", "content": "And now?"},
        ],
        "reference_answer": "5",
    }
    parts = row("x")
    parts["messages"] = [{"role": "user", "content": [{"type": "text", "text": "How many? End with ####."}]}]
    assert facts(checked([system, shown, parts], reward("math")))["clear"] == 1


def test_rows_to_which_nothing_applies_are_not_counted() -> None:
    called: JsonValue = {"tool_calls": [{"name": "pay", "arguments": {}}]}
    rows = [row("Pay.", reference=called), row("Say hello.", reference={"tool_calls": []})]
    (told,) = facts(checked(rows, reward("tool_calls")))["requirements"]
    assert (told["prompts"], told["unclear"]["prompts"]) == (1, 1)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"(?m)^ANSWER: \d+$", ["ANSWER:"]),
        (r"\*\*Sources\*\*", ["**Sources**"]),
        (r"\QA+B\E", ["A+B"]),
        (r"colou?r of", ["colo", "r of"]),
        (r"[A-D]\)", []),
        (r"<(?P<tag>\w+)>done", [">done"]),
        (r"(?:Yes|No)", ["Yes", "No"]),
        (r"#{4} ", ["####"]),
        ("", []),
    ],
)
def test_plain_texts_of_a_pattern(pattern: str, texts: list[str]) -> None:
    assert plain_texts(pattern) == texts


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("at most 200 words", [("words", 0, 200)]),
        ("no more than 1,500 characters", [("characters", 0, 1500)]),
        ("in two or three sentences", [("sentences", 2, 3)]),
        ("a 50-word summary", [("words", 50, 50)]),
        ("100 words or less", [("words", 0, 100)]),
        ("3-5 bullet points", [("bullets", 3, 5)]),
        ("more than 20 words", [("words", 21, float("inf"))]),
        ("less than 5 paragraphs", [("paragraphs", 0, 4)]),
        ("mindestens 30 Wörter", [("words", 30, float("inf"))]),
        ("three wordless songs of 7 lines", [("lines", 7, 7)]),
        ("in other words", []),
    ],
)
def test_stated_lengths(text: str, lengths: list[tuple[str, float, float]]) -> None:
    assert [(one.unit, one.low, one.high) for one in stated_lengths(text)] == lengths


@settings(max_examples=100)
@given(st.text(max_size=300), st.text(max_size=60), st.sampled_from(CASES))
def test_no_text_makes_it_fail(text: str, reference: str, case: dict[str, Any]) -> None:
    found = requirements_of(reward(case["grader"], **case.get("options", {})))
    prompt = Prompt(text, f"{case['user']}{text}", text, None, json.dumps(case.get("reference", reference)).encode())
    for one in found.listed:
        one.told_by(prompt)


def test_instructions_stand_at_an_end_of_a_long_prompt() -> None:
    document = "It rains in Bern. " * 100_000
    ends = [row(f"{TAIL}\n{document}"), row(f"{document}\n{TAIL}")]
    assert facts(checked(ends, reward("math")))["clear"] == 1
    middle = row(f"{document}\n{TAIL}\n{document}")
    assert facts(checked([middle], reward("math")))["clear"] == 0
