"""`rft forget`: every place that holds a prompt is named, models too, and only objects of runs that are over go."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rft_cli import environment as environments
from rft_cli.environment import Environment
from rft_cli.main import main
from rft_contract.layout import RunKeys, current_release_key, dataset_key, log_shards
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_dataset.log_selection import LogFilter
from rft_dataset.sample_shard import ShardHeader
from rft_runtime.certificate import Certificate, Check, Finding, Latency, Thresholds, Verdict, encode_certificate
from rft_runtime.data_bucket import DataBucket
from rft_runtime.graded import GradedCompletion, encode_graded
from rft_runtime.run_record import ENDED, DatasetUse, RunRecord, RunStore
from tests.unit.cli_fakes import Bench, CliS3, bench
from tests.unit.fakes.account import BUCKET, EXECUTION
from tests.unit.fakes.service_models import check_request

__all__ = ["bench"]  # pytest finds the fixture in this module

CASES = Path(__file__).parents[1] / "cases"
NOW = datetime(2026, 11, 30, tzinfo=UTC)
SHA = "a" * 64
OTHER_SHA = "b" * 64
ASKED = "Where is parcel 17?"
MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/some/one"


def row(asked: str, **more: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": asked}], **more}).encode() + b"\n"


def frozen(asked: str, run: str, split: str, number: int, **more: Any) -> bytes:
    return row(asked, **more, **{FIELD: RolloutMark(run=run, split=split, row=number).to_json()})


def graded(number: int) -> GradedCompletion:
    return GradedCompletion(
        row=number,
        sample=0,
        reward=1.0,
        invalid=None,
        components={},
        tokens_out=1,
        stop_reason="end_turn",
        completion="in Rotterdam",
    )


class VersionedS3(CliS3):
    """A bucket that keeps a deleted object's versions until they are deleted by their ids."""

    def get_paginator(self, operation: str) -> Any:
        if operation != "list_object_versions":
            return super().get_paginator(operation)
        return SimpleNamespace(
            paginate=lambda Bucket, Prefix: [
                {
                    "Versions": [
                        {"Key": key, "VersionId": f"v{number}"}
                        for key in sorted(self.objects)
                        if key.startswith(Prefix)
                        for number in range(1, self.versions[key] + 1)
                    ]
                }
            ]
        )

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> None:
        check_request("s3", "DeleteObject", {"Bucket": Bucket, "Key": Key, "VersionId": VersionId})
        assert VersionId is not None, "a mark of deletion would leave the text where it is"
        self.versions[Key] -= 1
        if not self.versions[Key]:
            del self.objects[Key]


@dataclass
class Place:
    """An environment with a bucket that the tests fill."""

    bench: Bench
    s3: VersionedS3 = field(default_factory=VersionedS3)

    def environment(self, env: str | None, stack: str | None) -> Environment:
        self.bench.s3 = self.s3
        return self.bench.environment(env or "local")

    def run(self, run_id: str, splits: dict[str, list[bytes]], **record: Any) -> None:
        keys = RunKeys(run_id)
        for split, lines in splits.items():
            self.s3.put(keys.data(split), b"".join(lines))
        made = RunRecord(run_id=run_id, environment="dev", started=NOW, execution_arn=EXECUTION + run_id, **record)
        RunStore(DataBucket(self.s3, BUCKET)).create(made)  # type: ignore[arg-type]  # in memory


@pytest.fixture
def place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(bench)
    monkeypatch.setattr(environments, "open_environment", made.environment)
    return made


def forget(capsys: pytest.CaptureFixture[str], code: int, *options: str) -> dict[str, Any]:
    assert main(["forget", "--env", "dev", "--json", *options]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def keys(found: dict[str, Any]) -> dict[str, str]:
    return {copy["key"]: copy["kind"] for copy in found["copies"]}


@pytest.fixture
def asked_file(tmp_path: Path) -> Path:
    path = tmp_path / "prompt.jsonl"
    path.write_bytes(row(f"  {ASKED.upper()} "))
    return path


def test_copies_in_every_form_are_named(place: Place, asked_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.s3.put(dataset_key(SHA, "train.jsonl.gz"), gzip.compress(row("else") + row(ASKED)))
    place.s3.put(dataset_key(OTHER_SHA, "held_out.jsonl"), row("something else"))
    place.s3.put(dataset_key(SHA, "train.jsonl.gz.report.json"), b"{}")
    header = ShardHeader(size=1, seed=0, by=None, wanted=LogFilter(), populations={}, objects=1, prompts=1, left_out={})
    entry = {"stratum": "", "key": "k", "row": json.loads(row(ASKED))}
    shard = gzip.compress(msgspec.json.encode(header) + b"\n" + msgspec.json.encode(entry) + b"\n")
    place.s3.put(f"{log_shards('may')}0.jsonl.gz", shard)
    cases = {"schema": 1, "cases": [{"prompt": "else", "good": ["a"]}, {"prompt": ASKED, "good": ["b"]}]}
    place.s3.put("certificates/r/cases.json", json.dumps(cases).encode())
    found = forget(capsys, 3, "--prompt-file", str(asked_file))
    assert {copy["key"]: (copy["kind"], copy["lines"]) for copy in found["copies"]} == {
        f"datasets/{SHA}/train.jsonl.gz": ("dataset", [2]),
        "log-samples/may/shards/0.jsonl.gz": ("log sample", [2]),
        "certificates/r/cases.json": ("cases", [2]),
    }
    assert (found["models"], found["unread"], found["deleted"]) == ([], [], [])


def test_a_run_is_followed_from_its_rows_to_rollouts_and_model(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = [frozen("else", "a-1", "held_out", 0), frozen(ASKED, "a-1", "held_out", 1, id="p-17")]
    train = [frozen("else", "a-1", "train", number) for number in range(3)]
    probe = [frozen(ASKED, "a-1", "train", 7, id="p-17")]
    place.run("a-1", {"held_out": held_out, "train": train, "probe": probe}, status=ENDED, model_arn=MODEL)
    keys_of = RunKeys("a-1")
    place.s3.put(keys_of.graded("held_out", "base", "greedy", 0), encode_graded([graded(0), graded(1)]))
    place.s3.put(keys_of.graded("held_out", "base", "greedy", 1), encode_graded([graded(2)]))
    place.s3.put(keys_of.graded("probe", "base", "sampled", 0), encode_graded([graded(7)]))
    found = forget(capsys, 3, "--prompt-id", "p-17")
    assert keys(found) == {
        keys_of.data("held_out"): "frozen dataset",
        keys_of.data("probe"): "frozen dataset",
        keys_of.graded("held_out", "base", "greedy", 0): "rollouts",
        keys_of.graded("probe", "base", "sampled", 0): "rollouts",
    }
    assert {copy["run_id"] for copy in found["copies"]} == {"a-1"}
    assert found["models"] == []  # judged on it, and not trained


@pytest.mark.parametrize("example", [1, 0])
def test_a_report_that_quotes_it_is_named(place: Place, capsys: pytest.CaptureFixture[str], example: int) -> None:
    held_out = [frozen("else", "a-1", "held_out", 0), frozen(ASKED, "a-1", "held_out", 1, id="p-17")]
    place.run("a-1", {"held_out": held_out}, status=ENDED)
    report = json.loads((CASES / "report.json").read_text())
    report["examples"] = [{**report["examples"][0], "row": example}]
    place.s3.put(RunKeys("a-1").report_json, json.dumps(report).encode())
    found = keys(forget(capsys, 3, "--prompt-id", "p-17"))
    assert [key for key, kind in found.items() if kind == "report"] == (
        [RunKeys("a-1").report_json, RunKeys("a-1").report_markdown] if example == 1 else []
    )


@pytest.mark.parametrize("live", [True, False])
def test_models_that_learned_it_are_named_with_their_release(
    place: Place, capsys: pytest.CaptureFixture[str], live: bool
) -> None:
    rows = {"train": [frozen(ASKED, "a-1", "train", 0, id="p-17")]}
    place.run("a-1", rows, status=ENDED, model_arn=MODEL, release=2, recipe={"line": "parcels"})
    current: dict[str, Any] = {"line": "parcels", "environment": "dev", "release": 2 if live else 3, "history": []}
    place.s3.put(current_release_key("parcels"), json.dumps(current).encode())
    expected = {"arn": MODEL, "run_id": "a-1", "line": "parcels", "release": 2, "live": live}
    assert forget(capsys, 3, "--prompt-id", "p-17")["models"] == [expected]
    assert main(["forget", "--env", "dev", "--prompt-id", "p-17"]) == 3
    said = capsys.readouterr()
    assert (", LIVE" in said.out) is live
    assert "delete each, or train it again without the prompt" in said.err


def test_a_model_learned_only_what_its_job_read(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Probe leaves out what is solved already: the job never saw it."""
    rows = {"train": [frozen(ASKED, "a-1", "train", 0, id="p-17")], "train.probed": [frozen("x", "a-1", "train", 1)]}
    place.run("a-1", rows, status=ENDED, model_arn=MODEL, trains_on="train.probed")
    found = forget(capsys, 3, "--prompt-id", "p-17")
    assert (list(keys(found)), found["models"]) == ([RunKeys("a-1").data("train")], [])


def certificate(line: int, completion: str | None) -> bytes:
    found = Finding(what="other-gold is paid", row=line, completion=completion)
    check = Check(name="other-gold", verdict=Verdict.FAILED, summary="", findings=(found,))
    return encode_certificate(
        Certificate(
            reward="routing",
            kind="label",
            environment="dev",
            reward_hash="r",
            code_sha256="c",
            dataset_sha256=SHA,
            rows=2,
            thresholds=Thresholds(pass_at=1, margin=1),
            evidence_sha256=None,
            made=NOW,
            seconds=1,
            verdict=Verdict.FAILED,
            checks=(check,),
            latency=(Latency(samples=1, bytes=1, calls=1, p50_ms=1, p99_ms=1),),
            grades=1,
        )
    )


@pytest.mark.parametrize(("line", "completion", "named"), [(2, "billing", True), (1, "x", False), (2, None, False)])
def test_a_certificate_that_quotes_the_row_is_named(
    place: Place, asked_file: Path, capsys: pytest.CaptureFixture[str], line: int, completion: str | None, named: bool
) -> None:
    place.run(
        "a-1", {"train": [row("x"), row(ASKED)]}, datasets={"train": DatasetUse(address="s3://x", sha256=SHA, rows=2)}
    )
    place.s3.put(f"certificates/r/{SHA}.json", certificate(line, completion))
    found = forget(capsys, 3, "--prompt-file", str(asked_file))
    assert (f"certificates/r/{SHA}.json" in keys(found)) is named


def test_delete_takes_every_version_and_leaves_open_runs_alone(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    key = dataset_key(SHA, "train.jsonl")
    place.s3.put(key, b"")
    place.s3.put(key, row(ASKED, id="p-17"))
    place.s3.put(f"{key}.report.json", b"{}")
    place.run("over", {"train": [frozen(ASKED, "over", "train", 0, id="p-17")]}, status=ENDED)
    place.run("going", {"train": [frozen(ASKED, "going", "train", 0, id="p-17")]})
    assert main(["forget", "--env", "dev", "--prompt-id", "p-17", "--delete"]) == 1
    assert "Say --yes" in capsys.readouterr().err
    assert key in place.s3.objects
    found = forget(capsys, 3, "--prompt-id", "p-17", "--delete", "--yes")
    assert found["deleted"] == [key, RunKeys("over").data("train")]
    assert {copy["key"]: copy["kept"] for copy in found["copies"] if copy["kept"]} == {
        RunKeys("going").data("train"): "run going goes on"
    }
    assert {key, RunKeys("over").data("train")} & set(place.s3.objects) == set()
    assert {f"{key}.report.json", RunKeys("over").record, RunKeys("going").data("train")} <= set(place.s3.objects)


def test_nothing_found_and_nothing_left_are_success(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.s3.put(dataset_key(SHA, "train.jsonl"), row("something else"))
    assert forget(capsys, 0, "--prompt-id", "p-17")["objects"] == 1
    place.s3.put(dataset_key(SHA, "train.jsonl"), row(ASKED, id="p-17"))
    assert forget(capsys, 0, "--prompt-id", "p-17", "--delete", "--yes")["deleted"] == [f"datasets/{SHA}/train.jsonl"]


def test_what_cannot_be_read_is_no_success(place: Place, asked_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.s3.put(dataset_key(SHA, "a.jsonl"), row("x") + b"\n" + b"no row\n")
    place.s3.put(dataset_key(SHA, "b.jsonl.gz"), gzip.compress(row("y" * 5000))[:-20])
    place.s3.put("certificates/r/cases.json", b"{}")
    place.run("a-1", {"held_out": [row(ASKED)]})
    broken = RunKeys("a-1").graded("held_out", "base", "greedy", 0)
    place.s3.put(broken, b"no gzip")
    found = forget(capsys, 1, "--prompt-file", str(asked_file))
    assert [text.partition(":")[0] for text in found["unread"]] == [
        f"datasets/{SHA}/a.jsonl",
        f"datasets/{SHA}/b.jsonl.gz",
        broken,
        "certificates/r/cases.json",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "which prompt?"),
        (["--prompt-id", ""], "which prompt?"),
        (["--prompt-file", "nowhere.jsonl"], "nowhere.jsonl: No such file or directory"),
        (["--prompt-file", "bad.jsonl"], "bad.jsonl: line 2: "),
    ],
)
def test_bad_questions(
    place: Place,
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.jsonl").write_bytes(row("x") + b'{"messages": 1}\n')
    assert main(["forget", "--env", "dev", *options]) == 1
    assert says in capsys.readouterr().err
