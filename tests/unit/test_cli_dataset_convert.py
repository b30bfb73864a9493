"""`rft dataset convert`: rows of other formats, and everything that is wrong with them."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_cli.main import main
from rft_dataset.conversion.gsm8k import INSTRUCTION, Gsm8k
from rft_dataset.conversion.openai_chat import OpenAiChat
from rft_dataset.conversion.record import Unconvertible, convert_records
from rft_dataset.conversion.table import Columns, Template, read_table
from rft_rewards.grade import Score
from rft_rewards.math import math
from rft_rewards.sample import Sample

CASES = Path(__file__).parents[1] / "cases"
CONVERSIONS = json.loads((CASES / "conversions.json").read_text(encoding="utf-8"))
TABLES = json.loads((CASES / "tables.json").read_text(encoding="utf-8"))
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return what runs the command; it returns exit code, answer, and what was said besides."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CONVERSIONS, ids=lambda case: f"{case['from']}: {case['why']}")
def test_records(case: dict[str, Any], tmp_path: Path, ran: Ran) -> None:
    file, output = tmp_path / "data.jsonl", tmp_path / "data.rft.jsonl"
    file.write_text(json.dumps(case["record"]) + "\n")
    code, _, said = ran("dataset", "convert", file, "--from", case["from"], *case.get("options", []))
    if "row" in case:
        assert (code, said) == (0, "")
        assert read(output) == [case["row"]]
    else:
        assert code == 1
        assert f"{file}:1: {case['bad']}" in said
        assert not output.exists()


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case["why"])
def test_tables(case: dict[str, Any], tmp_path: Path, ran: Ran) -> None:
    file, output = tmp_path / f"data{case.get('suffix', '.csv')}", tmp_path / "data.rft.jsonl"
    file.write_bytes(case["table"].encode())
    options = ["--from", "csv", "--prompt", "text", "--reference", "label", *case.get("options", [])]
    code, _, said = ran("dataset", "convert", file, *options)
    bad = case.get("bad", {})
    if "fails" in case:
        assert code == 1
        assert f"{file}: {case['fails']}" in said
        assert said.count("\n") == 1
    else:
        assert code == (1 if bad else 0)
        assert output.exists() is not bool(bad)
        for line, why in bad.items():
            assert f"{file}:{line}: {why}" in said
        assert ran("dataset", "convert", file, *options, "--skip-bad", "--force", "--json")[0] == 0
        rows = [[row["messages"][0]["content"], row["reference_answer"]] for row in read(output)]
        assert rows == case["rows"]


def test_a_table_with_everything(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.csv.gz"
    file.write_bytes(gzip.compress(b"no,say,{odd},min,max,from,city\n7,hello,o,1,2,d1,Bern\n8,bye,p,3,4,,Rom\n"))
    code, answer, _ = ran(
        *(
            "dataset",
            "convert",
            file,
            "--from",
            "csv",
            "--template",
            "{{Say}}: {say} in {city}",
            "--system",
            "Be kind.",
        ),
        *("--reference", "min", "--reference", "max", "--typed", "max", "--id", "no", "--group", "from"),
        *("--keep", "{odd}", "--keep", "city", "--output", tmp_path / "made" / "rows.jsonl", "--json"),
    )
    assert code == 0
    made = json.loads(answer)
    assert (made["file"], made["rows"], made["bad"]) == (str(tmp_path / "made" / "rows.jsonl"), 2, 0)
    assert 0 < made["fewest_tokens"] < made["most_tokens"] < 60
    first, second = read(tmp_path / "made" / "rows.jsonl")
    assert first == {
        "id": "7",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{Say}: hello in Bern"}],
        "reference_answer": {"min": "1", "max": 2},
        "group": "d1",
        "{odd}": "o",
        "city": "Bern",
    }
    assert second["group"] == ""


def test_a_column_whose_name_has_braces(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.csv"
    file.write_text("{a!r:>5},b\nask,c\n")
    assert ran("dataset", "convert", file, "--from", "csv", "--prompt", "{a!r:>5}", "--reference", "b")[0] == 0
    assert read(tmp_path / "data.rft.jsonl")[0]["messages"][0]["content"] == "ask"


def test_long_fields_and_foreign_encodings(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.csv"
    long = "word " * 100_000
    file.write_bytes(b'text,label\n"' + long.encode() + b'",x\ncaf\xe9,x\n"' + (b"y" * 999 + b"\n") * 7_000 + b'",x\n')
    options = ["--from", "csv", "--prompt", "text", "--reference", "label", "--skip-bad"]
    code, _, said = ran("dataset", "convert", file, *options)
    assert code == 0
    assert f"{file}:3: not UTF-8; save the table as UTF-8" in said
    assert f"{file}:4: not CSV as RFC 4180 says: field larger than field limit" in said
    assert len(read(tmp_path / "data.rft.jsonl")[0]["messages"][0]["content"]) == len(long)


def test_the_file_passes_validate_and_math_reads_its_references(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "sums.jsonl"
    records = [
        {"question": f"What is {number} and {number * 7}?", "answer": f"Add.\n#### {number * 8 - 400:,}"}
        for number in range(200)
    ]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert ran("dataset", "convert", file, "--from", "gsm8k")[0] == 0
    code, answer, _ = ran("validate", tmp_path / "sums.rft.jsonl", "--json")
    assert (code, json.loads(answer)["valid"]) == (0, True)
    grade = math()
    for number, row in enumerate(read(tmp_path / "sums.rft.jsonl")):
        assert row["messages"][-1]["content"].endswith(INSTRUCTION)
        right = grade(Sample(f"So it is\n#### {number * 8 - 400}", row["reference_answer"]))
        wrong = grade(Sample(f"So it is\n#### {number * 8 - 401}", row["reference_answer"]))
        assert isinstance(right, Score) and isinstance(wrong, Score)
        assert (right.value, wrong.value) == (1, 0)


def test_the_first_bad_records_are_listed_and_the_others_counted(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.jsonl"
    good = json.dumps({"question": "q?", "answer": "#### 1"})
    file.write_text("\n".join([good, *["{}"] * 30, "", good]) + "\n")
    code, _, said = ran("dataset", "convert", file, "--from", "gsm8k")
    assert code == 1
    lines = said.splitlines()
    assert lines[0] == f"{file}:2: no text in the field question"
    assert lines[19] == f"{file}:21: no text in the field question"
    assert lines[20:] == [
        "and 10 more",
        f"error: {file}: 2 rows and 30 bad records; nothing was written; --skip-bad leaves them out",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]
    code, answer, _ = ran("dataset", "convert", file, "--from", "gsm8k", "--json")
    assert (code, json.loads(answer)["bad"], len(json.loads(answer)["first_bad"])) == (1, 30, 20)
    code, answer, _ = ran("dataset", "convert", file, "--from", "gsm8k", "--skip-bad")
    assert code == 0
    assert "2 rows in" in answer and "30 bad records left out" in answer
    assert [row["id"] for row in read(tmp_path / "data.rft.jsonl")] == ["data-1", "data-33"]


@pytest.mark.parametrize("batch", [0, 150, 1 << 18])
def test_bad_rows_are_found_among_good_ones(
    batch: int, tmp_path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rft_cli.row_file._BATCH", batch)
    file = tmp_path / "data.csv"
    file.write_text("text,label\n" + "".join(f"{'' if number % 7 == 3 else number},x\n" for number in range(60)))
    options = ["--from", "csv", "--prompt", "text", "--reference", "label", "--skip-bad", "--json"]
    code, answer, _ = ran("dataset", "convert", file, *options)
    assert code == 0
    assert [bad["line"] for bad in json.loads(answer)["first_bad"]] == [number + 2 for number in range(3, 60, 7)]
    asked = [row["messages"][0]["content"] for row in read(tmp_path / "data.rft.jsonl")]
    assert asked == [str(number) for number in range(60) if number % 7 != 3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "csv", "--reference", "b"], "--from csv wants --reference, and one of --prompt and --template"),
        (["--from", "csv", "--prompt", "a"], "--from csv wants --reference"),
        (["--from", "csv", "--prompt", "a", "--template", "{a}", "--reference", "b"], "one of --prompt and --template"),
        (["--from", "csv", "--template", "{a", "--reference", "b"], "template: got '{a', wanted a text with"),
        (["--from", "csv", "--template", "no column", "--reference", "b"], "template: got 'no column'"),
        (["--from", "csv", "--template", "{a!r}", "--reference", "b"], "template: got '{a!r}'"),
        (["--from", "csv", "--template", "{}", "--reference", "b"], "template: got '{}'"),
        (["--from", "csv", "--prompt", "a", "--reference", "b", "--delimiter", "::"], "--delimiter: got '::'"),
        (["--from", "openai", "--prompt", "a"], "--prompt: not read with --from openai"),
        (["--from", "openai", "--reference", "a", "--reference", "b"], "--from openai wants one --reference"),
        (["--from", "gsm8k", "--cut-answers"], "--cut-answers: not read with --from gsm8k"),
        (["--from", "parquet"], "parquet"),
    ],
)
def test_options_that_make_no_sense_are_one_line(options: list[str], words: str, tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a,b\n1,2\n")
    code, _, said = ran("dataset", "convert", file, *options)
    assert code in (1, 2)
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no rows"),
        (b"\xff", ":1: not JSON in UTF-8"),
        (b"[]", ":1: no JSON object"),
        (b'{"a": ' + b"[" * 100_000, ":1: nested too deeply"),
        (b'{"a": "' + b"x" * 7_000_000 + b'"}\n', ":1: longer than"),
        (gzip.compress(b"{}\n" * 1000)[:-20], "damaged gzip"),
    ],
    ids=["empty", "not-utf8", "list", "deep", "long", "gzip"],
)
def test_bad_files_are_told(data: bytes, words: str, tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.jsonl"
    file.write_bytes(data)
    code, _, said = ran("dataset", "convert", file, "--from", "openai")
    assert code == 1
    assert words in said
    assert "unexpected" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


def test_files_are_not_replaced_unasked(tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps({"question": "q?", "answer": "#### 1"}))
    assert ran("dataset", "convert", file, "--from", "gsm8k")[0] == 0
    code, _, said = ran("dataset", "convert", file, "--from", "gsm8k")
    assert (code, "exists" in said) == (1, True)
    code, _, said = ran("dataset", "convert", file, "--from", "gsm8k", "--output", file, "--force")
    assert (code, "is the file to read" in said) == (1, True)
    code, _, said = ran("dataset", "convert", tmp_path, "--from", "gsm8k", "--output", tmp_path / "x")
    assert (code, "Is a directory" in said) == (1, True)


JSON_BITS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["messages", "role", "content", "question", "answer", "user", "tools", "function", "type", "text", "id"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.lists(JSON_BITS, max_size=4).map(lambda v: "\n".join(map(json.dumps, v)).encode())
    )
)
def test_no_bytes_break_a_conversion(data: bytes) -> None:
    for conversion in (Gsm8k(name="n"), OpenAiChat(reference="answer", cut_answers=True)):
        for _, row in convert_records(io.BytesIO(data.removeprefix(b"\x1f\x8b")), conversion):
            assert isinstance(row, dict | Unconvertible)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('a,"\n\r;\0 é', max_size=60).map(str.encode)))
def test_no_bytes_break_a_table(data: bytes) -> None:
    columns = Columns(prompt=Template.of_column("a"), reference=("b",), typed=("b",))
    for _, row in read_table(io.BytesIO(b"a,b\n" + data), columns):
        assert isinstance(row, dict | Unconvertible)
