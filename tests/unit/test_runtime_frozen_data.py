"""Frozen data are the validated data and a mark, whatever the form they came in."""

import gzip
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rft_contract.layout import RunKeys
from rft_contract.rollout_mark import FIELD
from rft_runtime.frozen_data import freeze, marked_line
from rft_runtime.plan import plan
from rft_runtime.validation import validate
from tests.unit.fakes.account import EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset, recipe_json, upload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5), st.integers(0, 20_000))
def test_a_mark_changes_nothing_else(row: dict[str, Any], number: int) -> None:
    line = marked_line(json.dumps(row).encode(), "a-1", "train", number)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {**row, FIELD: {"run": "a-1", "split": "train", "row": number}}


def test_a_compressed_dataset_becomes_a_plain_copy() -> None:
    aws = FakeAws()
    upload(aws)
    aws.s3.put("datasets/train/train.jsonl", gzip.compress(dataset("train", 100)))
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id="a-1", execution=EXECUTION + "a-1", recipe=recipe_json(), facts=facts)
    validate(aws.platform(), "a-1")
    freeze(aws.platform(), "a-1")
    rows = [json.loads(line) for line in aws.s3.objects[RunKeys("a-1").data("train")].splitlines()]
    assert [row["id"] for row in rows] == [f"train-{number}" for number in range(100)]
