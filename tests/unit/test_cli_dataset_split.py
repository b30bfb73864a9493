"""`rft dataset split`: files without leaks between them."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rft_cli.main import main
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.reading import open_lines

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qi", "ro", "su", "ta"]
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Return what runs the command; it returns exit code, answer, and what was said besides."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def text(number: int) -> str:
    drawn = random.Random(number)
    return " ".join("".join(drawn.choices(SYLLABLES, k=3)) for _ in range(30))


def row(number: int, words: str = "", **more: JsonValue) -> JsonObject:
    turns: list[JsonValue] = [{"role": "user", "content": words or text(number)}]
    return {"messages": turns, "reference_answer": str(number), **more}


def write(path: Path, rows: list[JsonObject]) -> Path:
    path.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in rows))
    return path


def planted(seed: int) -> list[JsonObject]:
    """Rows of which many share a group, an id or a prompt, exactly or nearly."""
    drawn = random.Random(seed)
    rows: list[JsonObject] = []
    for number in range(500):
        more: dict[str, JsonValue] = {}
        if drawn.random() < 0.5:
            more["group"] = f"document {drawn.randrange(60)}"
        if drawn.random() < 0.2:
            more["id"] = f"row {drawn.randrange(400)}"
        rows.append(row(number) | more)
    for _ in range(300):
        of = drawn.randrange(500)
        words = text(of).split()
        kind = drawn.choice(["same", "case", "space", "word", "cut"])
        if kind == "word":
            words[drawn.randrange(len(words))] = "another"
        if kind == "cut":
            del words[drawn.randrange(len(words))]
        said = ("   " if kind == "space" else " ").join(words)
        rows.append(row(of, said.upper() if kind == "case" else said))
    drawn.shuffle(rows)
    return rows


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("options", [[], ["--exact"], ["--validation", "100", "--held-out", "0.3"]])
def test_validate_finds_no_leak(seed: int, options: list[str], tmp_path: Path, ran: Ran) -> None:
    file = write(tmp_path / "rows.jsonl", planted(seed))
    code, answer, _ = ran("dataset", "split", file, "--json", "--seed", str(seed), *options)
    assert code == 0
    made = json.loads(answer)
    assert made["alike"] > 100
    files = {name: one["file"] for name, one in made["splits"].items()}
    assert set(files) == {"train", "validation", "held_out"}
    _, answer, _ = ran(
        "validate", files["train"], "--validation", files["validation"], "--held-out", files["held_out"], "--json"
    )
    found = json.loads(answer)
    assert found["across"]["counts"] == {}
    assert sum(found["datasets"][name]["rows"] for name in files) == 800
    assert [made["splits"][name]["rows"] for name in files] == [found["datasets"][name]["rows"] for name in files]


def test_a_split_by_chance_would_leak(tmp_path: Path, ran: Ran) -> None:
    rows = planted(0)
    train, held_out = write(tmp_path / "train.jsonl", rows[:600]), write(tmp_path / "held_out.jsonl", rows[600:])
    _, answer, _ = ran("validate", train, "--held-out", held_out, "--json")
    counts = json.loads(answer)["across"]["counts"]
    assert {"leak-prompt", "leak-similar-prompt", "leak-group", "leak-id"} <= set(counts)


def test_lines_keep_their_bytes_and_their_order(tmp_path: Path, ran: Ran) -> None:
    lines = [
        json.dumps(row(number), indent=None if number % 2 else 0).replace("\n", " ").encode() for number in range(300)
    ]
    lines = [line + b" \r" if number % 3 else line for number, line in enumerate(lines)]
    file = tmp_path / "rows.v2.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))  # no line feed at the end
    code, answer, warned = ran("dataset", "split", file)
    assert code == 0
    assert "300 rows in 300 groups" in answer
    assert "warning: validation has" in warned
    folder = tmp_path / "rows.v2-split"
    written = {name: (folder / f"{name}.jsonl").read_bytes() for name in ("train", "validation", "held_out")}
    parts = [data.removesuffix(b"\n").split(b"\n") for data in written.values()]
    assert all(data.endswith(b"\n") for data in written.values())
    assert sorted(line for part in parts for line in part) == sorted(lines)
    order = {line: place for place, line in enumerate(lines)}
    for part in parts:
        assert [order[line] for line in part] == sorted(order[line] for line in part)
    assert sorted(path.name for path in folder.iterdir()) == ["held_out.jsonl", "train.jsonl", "validation.jsonl"]


def test_files_are_replaced_only_when_asked_and_no_split_of_before_is_left(tmp_path: Path, ran: Ran) -> None:
    file = write(tmp_path / "rows.jsonl", [row(number) for number in range(300)])
    out = tmp_path / "out"
    assert ran("dataset", "split", file, "--output", out)[0] == 0
    before = (out / "train.jsonl").read_bytes()
    code, _, said = ran("dataset", "split", file, "--output", out, "--seed", "1")
    assert code == 1
    assert "train.jsonl: exists; name another --output, or replace it with --force" in said
    assert (out / "train.jsonl").read_bytes() == before
    assert ran("dataset", "split", file, "--output", out, "--seed", "1", "--validation", "0", "--force")[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["held_out.jsonl", "train.jsonl"]
    assert (out / "train.jsonl").read_bytes() != before


def test_the_file_itself_is_never_replaced(tmp_path: Path, ran: Ran) -> None:
    file = write(tmp_path / "train.jsonl", [row(number) for number in range(300)])
    code, _, said = ran("dataset", "split", file, "--output", tmp_path, "--force")
    assert code == 1
    assert "is the file to read" in said
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]


def test_by_another_field_and_by_strata(tmp_path: Path, ran: Ran) -> None:
    rows = [row(number, source={"page": number // 4}, level=number % 2) for number in range(400)]
    file = write(tmp_path / "rows.jsonl", rows)
    code, answer, _ = ran("dataset", "split", file, "--by", "source.page", "--json")
    assert code == 0
    assert json.loads(answer)["groups"] == 100
    assert json.loads(answer)["grouped_by"] == {"source.page": 400, "group": 0}
    code, answer, _ = ran("dataset", "split", file, "--stratify", "level", "--held-out", "100", "--force", "--json")
    made = json.loads(answer)["splits"]
    assert [made[name]["rows"] for name in ("train", "validation", "held_out")] == [260, 40, 100]
    levels = [json.loads(line)["level"] for line in Path(made["held_out"]["file"]).read_text().splitlines()]
    assert levels.count(0) == levels.count(1) == 50


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--held-out", "1.5"], "--held-out: got 1.5, wanted a share such as 0.1 or a number of rows such as 200"),
        (["--validation", "many"], "--validation: got many"),
        (["--validation", "nan"], "--validation: got nan"),
        (["--validation", "-1"], "--validation: got -1"),
        (["--validation", "150", "--held-out", "150"], "leave nothing of 300 rows for training"),
        (["--by", "nothing.there"], "no row has the field nothing.there"),
        (["--stratify", "nothing"], "no row has the field nothing"),
        (["--by", "one"], "would be empty: 300 rows in 1 groups that stay together"),
    ],
)
def test_what_cannot_be_split_is_one_line(options: list[str], words: str, tmp_path: Path, ran: Ran) -> None:
    file = write(tmp_path / "rows.jsonl", [row(number, one=1) for number in range(300)])
    code, _, said = ran("dataset", "split", file, *options)
    assert code in (1, 2)
    assert words in said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no rows"),
        (b"{}\n", ":1: not a row of a dataset; `rft validate"),
        (json.dumps(row(1)).encode() + b"\n\n", ":2: not a row"),
        (json.dumps(row(1)).encode() + b"\n\xff\n", ":2: not a row"),
        (b"\xef\xbb\xbf" + json.dumps(row(1)).encode() + b"\n", ":1: not a row"),
        (b"[" * 100_000, ":1: not a row"),
        (b'{"a": "' + b"x" * 7_000_000 + b'"}\n', ":1: longer than any row may be"),
        (gzip.compress(json.dumps(row(1)).encode() * 1000)[:-20], "damaged gzip"),
    ],
    ids=["empty", "no-row", "blank", "not-utf8", "mark", "deep", "long", "gzip"],
)
def test_bad_files_are_one_line(data: bytes, words: str, tmp_path: Path, ran: Ran) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(data)
    code, _, said = ran("dataset", "split", file)
    assert code == 1
    assert words in said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_what_is_no_file_is_one_line(tmp_path: Path, ran: Ran) -> None:
    for path, words in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file")):
        code, _, said = ran("dataset", "split", path, "--output", tmp_path / "out")
        assert code == 1
        assert words in said


def test_nothing_is_left_when_writing_fails(tmp_path: Path, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "rows.jsonl", [row(number) for number in range(300)])
    calls: list[int] = []

    def shorter(stream: Any) -> Any:
        calls.append(1)
        lines, compressed = open_lines(stream)
        return (lines if len(calls) == 1 else (line for line, _ in zip(lines, range(200), strict=False))), compressed

    monkeypatch.setattr("rft_cli.dataset_split.open_lines", shorter)
    code, _, said = ran("dataset", "split", file, "--output", tmp_path / "out")
    assert code == 1
    assert "changed while it was read; nothing was written" in said
    assert list((tmp_path / "out").iterdir()) == []
