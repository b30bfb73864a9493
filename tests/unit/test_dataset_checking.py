"""The datasets of a run against each other."""

import io
import json
from collections.abc import Mapping

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import Severity
from rft_dataset.validation import Split


def row(number: int, **more: JsonValue) -> JsonObject:
    messages: list[JsonValue] = [{"role": "user", "content": f"question {number}"}]
    return {"messages": messages, "reference_answer": str(number), **more}


def checked(datasets: Mapping[Split, list[JsonObject]]) -> Check:
    return check(
        [
            Source(split, f"{split}.jsonl", io.BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows)))
            for split, rows in datasets.items()
        ]
    )


def test_held_out_prompts_must_be_new() -> None:
    found = checked({"train": [row(number) for number in range(100)], "held_out": [row(500), row(7), row(42)]})
    assert [(finding.file, finding.line, finding.code, finding.message) for finding in found.across.stored] == [
        ("held_out.jsonl", 2, "leak-prompt", "the prompt of train.jsonl:8"),
        ("held_out.jsonl", 3, "leak-prompt", "the prompt of train.jsonl:43"),
    ]
    assert found.across.errors == 2


def test_validation_may_share_prompts_with_training_but_not_with_held_out() -> None:
    found = checked({"train": [row(0)], "validation": [row(0)]})
    assert [(f.code, f.severity) for f in found.across.stored] == [("leak-validation-prompt", Severity.WARNING)]
    found = checked({"validation": [row(0)], "held_out": [row(0)]})
    assert [(f.code, f.severity) for f in found.across.stored] == [("leak-prompt", Severity.ERROR)]


def test_shared_ids_are_a_warning() -> None:
    found = checked({"train": [row(1, id="a")], "held_out": [row(2, id="a")]})
    assert [(f.code, f.severity) for f in found.across.stored] == [("leak-id", Severity.WARNING)]


def test_a_group_belongs_to_one_dataset() -> None:
    found = checked({"train": [row(1, group="doc-1")], "held_out": [row(2, group="doc-1")]})
    assert [(f.code, f.severity) for f in found.across.stored] == [("leak-group", Severity.ERROR)]


def test_the_worst_findings_come_first() -> None:
    found = checked({"train": [row(1)], "held_out": [row(1)]})
    order = [list(Severity).index(finding.severity) for finding in found.findings]
    assert order == sorted(order)
    assert found.count(Severity.ERROR) == 2  # too few rows, and the leak


def test_guard_data_must_not_be_trained_on_and_may_be_small() -> None:
    train = [row(number) for number in range(100)]
    found = checked({"train": train, "held_out": [row(200)], "guard-safety": [row(7), row(200)]})
    assert [(f.file, f.line, f.code, f.severity) for f in found.across.stored] == [
        ("guard-safety.jsonl", 1, "leak-prompt", Severity.ERROR)
    ]
    assert "too-few-rows" not in found.reports["guard-safety"].findings.counts


def test_held_out_labels_are_spread_as_in_training_and_those_of_guards_need_not_be() -> None:
    def labelled(start: int, labels: list[str]) -> list[JsonObject]:
        return [row(start + number) | {"reference_answer": label} for number, label in enumerate(labels)]

    train, other = labelled(0, ["a", "b"] * 100), labelled(1000, ["a"] * 90 + ["b"] * 10)
    found = checked({"train": train, "held_out": other})
    assert [(f.file, f.code) for f in found.across.stored] == [("held_out.jsonl", "label-shift")]
    guarded = checked({"train": train, "held_out": labelled(500, ["a", "b"] * 50), "guard-other": other})
    assert not guarded.across.stored
