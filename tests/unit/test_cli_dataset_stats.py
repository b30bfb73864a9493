"""`rft dataset stats`: one page that says what is in datasets, and lets nothing of them run."""

import json
import re
from pathlib import Path

import pytest

from rft_cli.dataset_stats import render_stats
from rft_cli.main import main
from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.checking import Source, check

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}$x_1$"


def row(number: int, label: JsonValue, words: int = 20, **more: JsonValue) -> JsonObject:
    text = f"message {number} " + " ".join(f"word{number * word}" for word in range(words))
    return {"messages": [{"role": "user", "content": text}], "reference_answer": {"label": label}, **more}


def write(path: Path, rows: list[JsonObject]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    rows = [row(number, "ab"[number % 5 == 0], difficulty=["easy", "hard"][number % 3 == 0]) for number in range(200)]
    return write(tmp_path / "train.jsonl", rows)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "schema: 1\nline: routing\nreward: routing\nbase_model: amazon.nova-2-lite-v1:0:256k\n"
        "datasets: {train: train.jsonl, held_out: held_out.jsonl}\n"
        "hyperparameters: {maxPromptLength: 100, batchSize: 16}\n"
    )
    return path


def page_of(train: Path, *more: str) -> str:
    output = train.parent / "pages" / "dataset.html"
    assert main(["dataset", "stats", str(train), "--output", str(output), *more]) == 0
    return output.read_text()


def text_of(page: str) -> str:
    body = re.sub(r"<style.*?</style>|<[^>]+>", " ", page[page.index("<body") :], flags=re.DOTALL)
    return " ".join(body.split())


def test_the_page_says_what_is_there(train: Path) -> None:
    text = text_of(page_of(train))
    assert "VALID" in text.upper()
    assert "200 training prompts, ready for a run." in text
    assert "2 different values of $.reference_answer.label" in text
    assert re.search(r"a 80 % 160 b 20 % 40", text)
    assert re.search(r"easy \d+ % 133", text)


def test_sections_stand_in_the_order_of_a_reader(train: Path) -> None:
    headings = re.findall(r"<h2>(.*?)<", page_of(train))
    assert headings == [
        "What is there",
        "What was found",
        "How long prompts are",
        "Labels",
        "Difficulty",
        "Reference answers",
    ]


def test_a_recipe_tells_steps_and_what_is_dropped(train: Path, recipe: Path) -> None:
    write(
        train,
        [row(number, "ab"[number % 2], 5 if number < 150 else 40 if number < 180 else 80) for number in range(200)],
    )
    text = text_of(page_of(train, "--recipe", str(recipe)))
    assert "10 to 12 training steps with batchSize 16 and epochCount 1" in text
    assert "150 prompts are certain to stay under maxPromptLength 100, 30 may be dropped and 20 are too long." in text
    assert "maxPromptLength 100" in text


def test_datasets_stand_side_by_side(train: Path, tmp_path: Path) -> None:
    rows = [row(number, "abc"[number % 3]) for number in range(190, 290)]
    held_out = write(tmp_path / "held_out.jsonl", rows)
    page = page_of(train, "--held-out", str(held_out))
    text = text_of(page)
    assert "200 training and 100 held-out prompts, which a run would refuse." in text
    assert "10 leak-prompt" in text
    assert re.search(r"leak-prompt error, 10 times .* held_out.jsonl:1 the prompt of .*train.jsonl:191", text)
    assert re.search(r"a 80 % 33 % 160 33", text)
    assert re.search(r"c 0 % 33 % 0 33", text)


def test_what_to_type_is_set_as_code(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [row(number, "a", group="g") for number in range(100)])
    held_out = write(tmp_path / "held_out.jsonl", [row(number, "a", group="g") for number in range(100, 200)])
    assert "<code>rft dataset split</code> does." in page_of(train, "--held-out", str(held_out))


def test_the_page_stands_alone(train: Path) -> None:
    page = page_of(train)
    assert "<script" not in page.lower()
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_the_same_data_give_the_same_page(train: Path) -> None:
    assert page_of(train) == page_of(train)


def test_labels_difficulties_keys_and_names_are_shown_and_never_run(tmp_path: Path) -> None:
    rows: list[JsonObject] = [row(number, HOSTILE, difficulty=HOSTILE) for number in range(150)]
    rows[7]["reference_answer"] = {"label": "b", HOSTILE: 1}
    train = write(tmp_path / "<script>train.jsonl", rows)
    page = page_of(train)
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert page.count("&lt;script&gt;alert(1)") >= 3
    assert "49" not in re.findall(r"onerror=alert\(2\)[^<]*", page)


@pytest.mark.parametrize(
    "label", [True, False, 1, 1.5, "", " ", "退货", "a\nb", "x" * 100, "\u0000\u001b[31m", "\ud83d\ude42"]
)
def test_any_label_has_a_page(tmp_path: Path, label: JsonValue) -> None:
    rows = [row(number, label if number % 2 else "other") for number in range(120)]
    page = page_of(write(tmp_path / "train.jsonl", rows))
    assert "<h2>Labels</h2>" in page


def test_true_and_one_are_two_labels(tmp_path: Path) -> None:
    text = text_of(
        page_of(write(tmp_path / "train.jsonl", [row(number, [1, True][number % 2]) for number in range(120)]))
    )
    assert "2 different values" in text


@pytest.mark.parametrize("content", ["", "{\n", "\n\n", "null\n"])
def test_a_dataset_without_a_sound_row_has_a_page(tmp_path: Path, recipe: Path, content: str) -> None:
    train = tmp_path / "train.jsonl"
    train.write_text(content)
    text = text_of(page_of(train, "--recipe", str(recipe)))
    assert "which a run would refuse" in text
    assert "How long prompts are" not in text


def test_long_lists_are_cut(tmp_path: Path) -> None:
    rows = [row(number, f"label {number % 45}", difficulty=number) for number in range(900)]
    text = text_of(page_of(write(tmp_path / "train.jsonl", [*rows, *rows])))
    assert "And 15 more." in text
    assert "and 895 more" in text
    assert "Difficulty" not in text


def test_answers_for_programs(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page_of(train, "--json")
    told = json.loads(capsys.readouterr().out)
    assert Path(told["page"]).exists()
    assert told["datasets"]["train"]["rows"] == 200


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "stats", str(tmp_path / name)]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: datasets.train: ")


def test_a_page_that_cannot_be_written(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "stats", str(train), "--output", str(train / "page.html")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: --output ")


def test_the_recipe_is_that_of_the_check(train: Path) -> None:
    job = Hyperparameters(maxPromptLength=50)
    with train.open("rb") as stream:
        found = check([Source("train", "train.jsonl", stream)], hyperparameters=job)
    assert "maxPromptLength 50" in render_stats(found, job)
