"""`rft dataset from-logs` and `rft dataset compare`, over folders, files and a bucket in memory."""

import gzip
import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rft_cli import log_source
from rft_cli.environment import Aws
from rft_cli.main import main
from rft_dataset.invocation_log import read_log
from rft_dataset.log_selection import LogFilter, prompt_key, stratum
from rft_dataset.sample_shard import ShardHeader, write_shard
from rft_dataset.sampling import StratifiedSample
from rft_dataset.validation import validate
from tests.unit.cli_fakes import CliS3
from tests.unit.fakes.account import BUCKET

_WORDS = json.loads((Path(__file__).parents[1] / "cases" / "prompt_words.json").read_text())
ENGLISH, GERMAN = _WORDS["english"].split(), _WORDS["german"].split()
HOURS = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/01/01"


def question(draw: random.Random, words: list[str] = ENGLISH) -> str:
    return f"About my {' '.join(draw.choices(words, k=draw.randrange(8, 40)))} {draw.randrange(10**6)}?"


def record(number: int, text: str, **more: Any) -> dict[str, Any]:
    body = {"system": [{"text": "Be brief."}], "messages": [{"role": "user", "content": [{"text": text}]}]}
    return {
        "schemaType": "ModelInvocationLog",
        "requestId": f"r-{number}",
        "operation": "Converse",
        "modelId": "us.amazon.nova-2-lite-v1:0" if number % 3 else "amazon.nova-pro-v1:0",
        "input": {"inputBodyJson": body, "inputTokenCount": 20},
        "requestMetadata": {
            "team": "parcels" if number % 2 else "music",
            "stage": "dev" if number % 10 == 0 else "prod",
        },
        **more,
    }


def objects() -> dict[str, bytes]:
    """Six hours of 100 calls: every fifth asks one of five questions again, every 50th fails."""
    draw = random.Random(1)
    frequent = [question(draw) for _ in range(5)]
    found = {f"{HOURS}/amazon-bedrock-logs-permission-check": b"checked"}
    for hour in range(6):
        lines = []
        for number in range(100 * hour, 100 * hour + 100):
            text = draw.choice(frequent) if number % 5 == 0 else question(draw)
            failed = {"errorCode": "ThrottlingException"} if number % 50 == 7 else {}
            lines.append(json.dumps(record(number, text, **failed)))
        found[f"{HOURS}/{hour:02}/a.json.gz"] = gzip.compress("\n".join(lines).encode())
        found[f"{HOURS}/{hour:02}/data/r-1_input.json.gz"] = gzip.compress(b"{}")
    return found


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for key, body in objects().items():
        path = tmp_path / "logs" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tmp_path / "logs"


def training(path: Path, words: list[str] = ENGLISH, number: int = 200) -> Path:
    draw = random.Random(2)
    system = {"role": "system", "content": "Be brief."}
    rows = [{"messages": [system, {"role": "user", "content": question(draw, words)}]} for _ in range(number)]
    path.write_text("".join(json.dumps({**row, "reference_answer": "x"}) + "\n" for row in rows))
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def from_logs(*words: Any) -> int:
    return main(["dataset", "from-logs", *map(str, words)])


def error_of(capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    assert main(["dataset", *map(str, words)]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


def test_logs_become_rows_that_lack_only_their_references(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "prompts.jsonl"
    assert from_logs(logs, "--output", output, "--size", 150) == 0
    screen = capsys.readouterr().out
    assert "150 prompts in" in screen
    assert "6 log objects, 588 prompts, 588 of them wanted, 12 failed-call" in screen
    assert f"rft validate {output}" in screen
    made = rows(output)
    assert len(made) == 150
    assert all(set(row) == {"id", "messages"} for row in made)
    with output.open("rb") as file:
        report = validate(file, "made", split="train")
    assert set(report.findings.counts) == {"no-reference", "unusual-size"}
    assert list(output.parent.iterdir()) == [output]


def test_the_draw_is_seeded_and_does_not_depend_on_how_logs_are_cut(logs: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.json"
    lines = [gzip.decompress(body) for key, body in reversed(objects().items()) if key.endswith("a.json.gz")]
    whole.write_bytes(b"\n".join(lines))
    drawn = []
    for name, source, seed in (("a", logs, 0), ("b", whole, 0), ("c", logs, 1)):
        assert from_logs(source, "--output", tmp_path / name, "--size", 100, "--seed", seed) == 0
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_prompts_are_chosen_by_metadata_and_model(logs: Path, tmp_path: Path) -> None:
    output = tmp_path / "prompts.jsonl"

    def numbers(*words: str) -> set[int]:
        assert from_logs(logs, "--output", output, "--size", 1000, "--force", *words) == 0
        return {int(row["id"].removeprefix("r-")) for row in rows(output)}

    assert all(number % 2 for number in numbers("--metadata", "team=parcels"))
    assert all(
        number % 2 == 0 and number % 10 for number in numbers("--metadata", "team=music", "--metadata", "stage=prod")
    )
    assert all(number % 10 for number in numbers("--not-metadata", "stage=dev"))
    either = numbers("--metadata", "team=parcels", "--metadata", "stage=dev", "--any")
    assert all(number % 2 or number % 10 == 0 for number in either)
    assert any(number % 10 == 0 for number in either)
    assert all(number % 3 for number in numbers("--model", "amazon.nova-2-lite-v1:0"))


def test_strata_are_drawn_from_in_their_shares(logs: Path, tmp_path: Path) -> None:
    output = tmp_path / "prompts.jsonl"
    assert from_logs(logs, "--output", output, "--size", 90, "--stratify", "model") == 0
    models = Counter(int(row["id"].removeprefix("r-")) % 3 == 0 for row in rows(output))
    assert models[True] == pytest.approx(30, abs=3)


def test_copies_are_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "please tell me where the parcel with my new winter coat and both pairs of shoes is right now"
    texts = [
        sentence,
        sentence.upper(),
        sentence + "!",
        sentence.replace("winter", "summer"),
        "something else entirely",
    ]
    path = tmp_path / "log.json"
    path.write_text("\n".join(json.dumps(record(number, text)) for number, text in enumerate(texts)))
    output = tmp_path / "prompts.jsonl"
    assert from_logs(path, "--output", output, "--stratify", "metadata:team", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["prompts"] == len(rows(output)) == 2
    assert answer["reading"] == {"objects": 1, "prompts": 5, "wanted": 5, "left_out": {}}


def test_a_bucket_is_read_like_a_folder(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3, asked = CliS3(), []
    for key, body in objects().items():
        s3.put(f"bedrock/{key}", body)

    def aws(name: str) -> Any:
        def opened() -> Aws:
            asked.append(name)
            made = Aws(session=None)  # type: ignore[arg-type]  # its client is replaced below
            made.__dict__["s3"] = s3
            return made

        return opened

    monkeypatch.setattr(log_source, "local_aws", aws("local"))
    monkeypatch.setattr(log_source, "real_aws", aws("real"))
    assert from_logs(logs, "--output", tmp_path / "folder", "--size", 50) == 0
    assert from_logs(f"s3://{BUCKET}/bedrock/", "--output", tmp_path / "real", "--size", 50) == 0
    assert from_logs(f"s3://{BUCKET}/bedrock/", "--output", tmp_path / "local", "--size", 50, "--env", "local") == 0
    assert asked == ["real", "local"]
    assert (tmp_path / "folder").read_bytes() == (tmp_path / "real").read_bytes() == (tmp_path / "local").read_bytes()


def test_nothing_is_overwritten_unasked(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "prompts.jsonl"
    output.write_text("precious")
    assert "--force" in error_of(capsys, "from-logs", logs, "--output", output)
    assert output.read_text() == "precious"
    assert from_logs(logs, "--output", output, "--force") == 0
    assert output.read_text() != "precious"


@pytest.mark.parametrize(
    ("source", "words", "told"),
    [
        ("nothing-here", (), "No such file"),
        ("empty", (), "no log objects"),
        ("logs", ("--metadata", "team=nobody"), "588 prompts, 0 of them wanted"),
        ("logs", ("--metadata", "team"), "wanted KEY=VALUE"),
        ("logs", ("--stratify", "team"), "wanted metadata:KEY, model, length or system"),
        ("s3://", (), "wanted s3://bucket/prefix"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    source: str, words: tuple[str, ...], told: str, logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    place = source if source.startswith("s3:") else tmp_path / source
    assert told in error_of(capsys, "from-logs", place, "--output", tmp_path / "out.jsonl", *words)
    assert not (tmp_path / "out.jsonl").exists()


def test_noise_in_a_folder_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json").write_bytes(b"\x00\xff\n{}\n" + json.dumps(record(1, "Where is it?")).encode())
    (tmp_path / "logs" / "b.gz").write_bytes(gzip.compress(b"x" * 5000)[:20])
    assert from_logs(tmp_path / "logs", "--output", tmp_path / "out.jsonl", "--json") == 0
    left_out = json.loads(capsys.readouterr().out)["reading"]["left_out"]
    assert left_out == {"not-json": 1, "other-record": 1, "damaged-gzip": 1}


def test_a_set_like_production_is_called_the_same(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made.jsonl"
    assert from_logs(logs, "--output", made, "--size", 200) == 0
    capsys.readouterr()
    assert main(["dataset", "compare", str(made), "--logs", str(logs)]) == 0
    screen = capsys.readouterr().out
    assert "training looks like production" in screen
    assert "differs" not in screen


def test_differences_are_named_with_numbers(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = training(tmp_path / "train.jsonl", GERMAN)
    assert main(["dataset", "compare", str(train), "--logs", str(logs), "--size", "300", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["match"]["verdict"] == "differs"
    verdicts = {measure["name"]: measure["verdict"] for measure in found["match"]["measures"]}
    assert verdicts["language"] == verdicts["vocabulary"] == "differs"
    assert verdicts["system prompts"] == "same"
    assert found["match"]["overall"]["value"] > 0.9
    assert found["match"]["production"]["prompts"] == 300
    assert found["reading"]["left_out"] == {"failed-call": 12}
    assert main(["dataset", "compare", str(train), "--logs", str(logs), "--size", "300"]) == 3
    screen = capsys.readouterr().out
    assert "training differs from production" in screen
    assert "typical of production" in screen


def shards(folder: Path, *, size: int = 300, parts: int = 3, distinct: bool = True) -> Path:
    """Write what several machines sample of their parts of the logs."""
    bodies = [body for key, body in objects().items() if key.endswith("a.json.gz")]
    folder.mkdir()
    for part in range(parts):
        sample, tally, prompts = StratifiedSample(size, seed=4), Counter[str](), 0
        for body in bodies[part::parts]:
            for prompt in read_log(io.BytesIO(body), tally=tally):
                key = prompt_key(prompt) if distinct else prompt.request_id
                sample.offer(stratum(prompt, "model"), key, msgspec.json.encode(prompt.row()))
                prompts += 1
        header = ShardHeader(
            size=size,
            seed=4,
            by="model",
            wanted=LogFilter(),
            populations=sample.populations,
            objects=len(bodies[part::parts]),
            prompts=prompts,
            left_out=dict(tally),
            distinct=distinct,
        )
        with (folder / f"{part}.jsonl.gz").open("wb") as file:
            write_shard(file, header, sample.entries())
    return folder


def test_samples_of_many_machines_give_what_one_machine_gives(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, merged = tmp_path / "whole.jsonl", tmp_path / "merged.jsonl"
    assert from_logs(logs, "--output", whole, "--size", 100, "--seed", 4, "--stratify", "model") == 0
    capsys.readouterr()
    made = shards(tmp_path / "shards")
    assert from_logs(made, "--output", merged, "--size", 100) == 0
    assert merged.read_bytes() == whole.read_bytes()
    assert "6 log objects, 588 prompts, 588 of them wanted, 12 failed-call" in capsys.readouterr().out
    train = training(tmp_path / "train.jsonl")
    calls = shards(tmp_path / "calls", distinct=False)
    assert main(["dataset", "compare", str(train), "--logs", str(calls), "--size", "150", "--json"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)["match"]["production"]["prompts"] == 150


def test_a_sample_counts_as_it_was_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Production's repeats are traffic for a comparison, and copies for a prompt set."""
    prompts, calls = shards(tmp_path / "prompts"), shards(tmp_path / "calls", distinct=False)
    train = training(tmp_path / "train.jsonl")
    assert "every call, with --repeats" in error_of(capsys, "compare", train, "--logs", prompts)
    assert "distinct prompts, without --repeats" in error_of(capsys, "from-logs", calls, "--output", tmp_path / "out")


def test_a_repeated_attempt_writes_the_same_sample(tmp_path: Path) -> None:
    first, second = shards(tmp_path / "first"), shards(tmp_path / "second")
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_samples_that_do_not_fit_together_are_refused(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, out = shards(tmp_path / "shards"), tmp_path / "out.jsonl"
    assert "leave that out" in error_of(capsys, "from-logs", made, "--output", out, "--metadata", "team=music")
    other = shards(tmp_path / "other", size=200)
    (other / "0.jsonl.gz").rename(made / "9.jsonl.gz")
    assert "drawn in another way" in error_of(capsys, "from-logs", made, "--output", out)
    (made / "9.jsonl.gz").write_bytes(b"{}\n")
    assert "no sample, or a damaged one, beside samples" in error_of(capsys, "from-logs", made, "--output", out)
    (made / "9.jsonl.gz").unlink()
    (made / "-.json").write_bytes(b"{}\n")
    assert "beside logs" in error_of(capsys, "from-logs", made, "--output", out)
    (made / "-.json").unlink()
    packed = (made / "1.jsonl.gz").read_bytes()
    (made / "1.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    assert "sample the logs again" in error_of(capsys, "from-logs", made, "--output", out)
    (made / "1.jsonl.gz").write_bytes(gzip.compress(gzip.decompress(packed) + b"{}\n"))
    assert "no entry of a sample" in error_of(capsys, "from-logs", made, "--output", out)
    assert not out.exists()


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_comparison_is_drawn(ending: str, logs: Path, tmp_path: Path) -> None:
    train, plot = training(tmp_path / "train.jsonl"), tmp_path / "out" / f"match.{ending}"
    command = ["dataset", "compare", str(train), "--logs", str(logs), "--size", "100", "--plot", str(plot)]
    main(command)
    first = plot.read_bytes()
    assert first.startswith(b"<?xml" if ending == "svg" else b"\x89PNG")
    main(command)
    assert plot.read_bytes() == first


def test_of_few_prompts_too_little_is_known(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = training(tmp_path / "train.jsonl")
    assert main(["dataset", "compare", str(train), "--logs", str(logs), "--size", "30"]) == 3
    assert "too little is known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words", "told"),
    [
        (None, (), "No such file"),
        ("nonsense\n", (), "no sound row among 1"),
        (None, ("--plot", "match.pdf"), ".svg or .png"),
    ],
)
def test_a_bad_training_set_or_plot_is_one_line(
    content: str | None,
    words: tuple[str, ...],
    told: str,
    logs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train = tmp_path / "train.jsonl"
    if content is not None:
        train.write_text(content)
    assert told in error_of(capsys, "compare", train, "--logs", logs, *words)
