"""Verifying and exporting releases, through the command line."""

import json
import subprocess
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rft_cli.main import main
from rft_cli.pinned_key import read_pinned_key
from rft_cli.recipe_commit import commit_time
from rft_contract.outcomes import Outcome
from rft_contract.services import REWARD_HASH
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending
from tests.unit.cli_fakes import OUTPUTS, Bench, bench
from tests.unit.fakes.account import REWARD_HASH as HASH
from tests.unit.fakes.account import SIGNING_KEY
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset
from tests.unit.test_runtime_promotion import LINE
from tests.unit.test_runtime_rollback import back, released

__all__ = ["bench"]


@cache
def two_releases() -> FakeAws:
    """Return them, made once."""
    return released("second")


@pytest.fixture
def aws(bench: Bench) -> FakeAws:
    """A line with two releases."""
    found = deepcopy(two_releases())
    bench.s3.objects, bench.s3.versions = found.s3.objects, found.s3.versions
    return found


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def verify(*arguments: str | Path) -> int:
    return main(["release", "verify", *map(str, arguments)])


def failures(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [check["name"] for check in answer(capsys)["checks"] if check["verdict"] == "failed"]


@pytest.fixture
def pinned(aws: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The file with the public key, as printed."""
    path = tmp_path / "dev.pem"
    assert main(["release", "public-key", "--env", "dev"]) == 0
    path.write_text(capsys.readouterr().out)
    return path


@pytest.fixture
def exported(aws: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The evidence of the live release, in a file."""
    path = tmp_path / "evidence.json"
    assert main(["release", "export", LINE, "--env", "dev", "-o", str(path), "--json"]) == 0
    assert answer(capsys) == {"line": LINE, "release": 2, "file": str(path)}
    return path


def test_the_live_release_verifies_with_the_key_that_kms_tells(
    aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(LINE, "--env", "dev", "--json") == 0
    found = answer(capsys)
    assert (found["verified"], found["release"]["number"]) == (True, 2)
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["history"]["says"] == "release 2 is live"
    assert {"signature", "manifest", "certificates", "manifest in the bucket", "previous release, 1"} <= set(checks)


def test_a_file_of_the_lines_name_does_not_stand_for_the_line(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / LINE).write_text("anything")
    assert verify(LINE, "--env", "dev", "--json") == 0
    assert answer(capsys)["verified"]


def test_an_earlier_release_verifies_too(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    back(aws)
    assert verify(LINE, "--env", "dev", "--release", "2", "--json") == 0
    assert "release 2 was live; release 1 is" in [check["says"] for check in answer(capsys)["checks"]]


def test_a_file_verifies_with_the_pinned_key_and_no_environment(
    exported: Path, pinned: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.s3.objects.clear()
    assert verify(exported, "--line", LINE, "--public-key", pinned, "--newer-than", "1", "--json") == 0
    key = read_pinned_key(pinned)
    assert (key.environment, key.account, key.region, key.arn) == ("dev", "123456789012", "us-east-1", SIGNING_KEY)


def test_each_failed_check_is_shown_with_its_remedy(
    exported: Path, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--line", "other", "--public-key", pinned, "--newer-than", "2", "--release", "7")
    assert verify(exported, *arguments) == 1
    captured = capsys.readouterr()
    shown = " ".join(captured.out.split())
    assert f"failed line got {LINE}, wanted other: take the evidence of that line" in shown
    assert "failed age release 2, wanted one after 2: take the evidence of the newest release" in shown
    assert "failed release got 2, wanted 7" in shown
    assert captured.err.strip() == "error: 3 of 7 checks failed"


@pytest.mark.parametrize(
    ("key", "fails"),
    [
        (f"releases/{LINE}/2.json", ["manifest in the bucket"]),
        (f"releases/{LINE}/1.json", ["previous release, 1"]),
        (f"releases/{LINE}/2/evidence.json", ["signature"]),
    ],
)
def test_a_changed_object_fails(aws: FakeAws, capsys: pytest.CaptureFixture[str], key: str, fails: list[str]) -> None:
    aws.s3.objects[key] += b" "
    assert verify(LINE, "--env", "dev", "--json", *(["--release", "2"])) == 1
    assert failures(capsys) == fails


@pytest.mark.parametrize("body", [b"no JSON", b"{}", b"\xff"])
def test_a_manifest_that_cannot_be_read_fails_too(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    aws.s3.objects[f"releases/{LINE}/2.json"] = body
    assert verify(LINE, "--env", "dev", "--json") == 1
    assert failures(capsys) == ["manifest in the bucket"]


def test_a_release_that_never_went_live_fails(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    current = json.loads(aws.s3.objects[f"releases/{LINE}/current.json"])
    current["history"].pop()
    aws.s3.objects[f"releases/{LINE}/current.json"] = json.dumps(current).encode()
    assert verify(LINE, "--env", "dev", "--json", "--release", "2") == 1
    assert failures(capsys) == ["history"]


def test_sources_are_read_again_where_they_lie(
    aws: FakeAws, bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    close_run(aws.platform(), "second", Ending(Outcome.PROMOTED, "live"))
    bench.functions.variables = {REWARD_HASH: HASH}
    asked: list[dict[str, str]] = []

    def configuration(**request: str) -> dict[str, Any]:
        asked.append(request)
        return {"Environment": {"Variables": bench.functions.variables}}

    bench.functions.get_function_configuration = configuration  # type: ignore[method-assign]  # notes what is asked
    outputs = replace(OUTPUTS, rewards={"tickets": "dev-reward-label"})
    monkeypatch.setattr("tests.unit.cli_fakes.OUTPUTS", outputs)
    assert verify(LINE, "--env", "dev", "--sources", "--json") == 0
    assert {check["name"] for check in answer(capsys)["checks"]} >= {
        "data in the bucket: train",
        "data in the bucket: held_out",
        "report",
        "deployed reward",
    }
    assert asked == [{"FunctionName": "dev-reward-label", "Qualifier": "7"}]
    aws.s3.objects["datasets/train/train.jsonl"] += b" "
    aws.s3.objects["runs/second/report.json"] = aws.s3.objects["runs/second/report.json"].replace(b"1.0", b"0.9")
    bench.functions.variables = {REWARD_HASH: "0"}
    del aws.s3.objects["datasets/held_out/held_out.jsonl"]
    assert verify(LINE, "--env", "dev", "--sources", "--json") == 1
    assert failures(capsys) == [
        "data in the bucket: held_out",
        "data in the bucket: train",
        "report",
        "deployed reward",
    ]


def checkout(folder: Path, aws: FakeAws, when: datetime, **changes: Any) -> Path:
    """Commit the recipe that was run, with its data beside it."""
    run = aws.platform().runs.load("second").recipe
    names = {split: f"{split}.jsonl" for split in ("train", "held_out")}
    for split, name in names.items():
        (folder / name).write_bytes(dataset(split, 100))
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**run, "datasets": names, **changes}))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "recipe", date=when)
    return path


def git(folder: Path, *arguments: str, date: datetime | None = None) -> None:
    who = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {} if date is None else {f"GIT_{role}_DATE": date.isoformat() for role in ("AUTHOR", "COMMITTER")}
    paths = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, env={**paths, **who, **when}, timeout=60)


YESTERDAY, TOMORROW = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))


def test_the_recipe_that_was_run_with_its_data_verifies(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = checkout(tmp_path, aws, YESTERDAY)
    assert verify(exported, "--public-key", pinned, "--recipe", recipe, "--json") == 0
    names = [check["name"] for check in answer(capsys)["checks"] if check["verdict"] == "passed"]
    assert {"recipe", "data: train", "data: held_out", "time"} <= set(names)


def test_a_release_from_before_the_recipes_commit_fails(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = checkout(tmp_path, aws, TOMORROW)
    assert verify(exported, "--public-key", pinned, "--recipe", recipe, "--json") == 1
    assert failures(capsys) == ["time"]


def test_another_recipe_and_other_data_fail(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = checkout(tmp_path, aws, YESTERDAY, gate={"min_gain": 0.2})
    (tmp_path / "train.jsonl").write_bytes(dataset("train", 101))
    assert verify(exported, "--public-key", pinned, "--recipe", recipe, "--json") == 1
    assert failures(capsys) == ["recipe", "data: train"]


def test_the_reward_must_be_the_one_that_the_environment_has_now(
    aws: FakeAws,
    bench: Bench,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.unit.cli_fakes.OUTPUTS", replace(OUTPUTS, rewards={"tickets": "dev-reward-label"}))
    asked = (LINE, "--env", "dev", "--recipe", checkout(tmp_path, aws, YESTERDAY), "--current-reward", "--json")
    bench.functions.variables = {REWARD_HASH: HASH}
    assert verify(*asked) == 0
    assert "reward" in [check["name"] for check in answer(capsys)["checks"]]
    bench.functions.variables = {REWARD_HASH: "f" * 64}
    assert verify(*asked) == 1
    assert failures(capsys) == ["reward"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["FILE", "--line", LINE, "--current-reward"], "give a LINE"),
        ([LINE, "--env", "dev", "--current-reward"], "--current-reward wants --recipe"),
        ([LINE, "--env", "dev", "--current-reward", "--recipe", "r.yaml", "--reward-sha256", "0"], "and no --reward"),
    ],
)
def test_the_current_reward_needs_an_environment_and_a_recipe(
    aws: FakeAws, exported: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert verify(*[str(exported) if argument == "FILE" else argument for argument in arguments]) == 2
    assert says in capsys.readouterr().err


def test_without_a_checkout_the_time_is_not_checked_and_says_so(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(aws.platform().runs.load("second").recipe))
    assert verify(exported, "--public-key", pinned, "--recipe", path, "--json") == 0
    unknown = [check["name"] for check in answer(capsys)["checks"] if check["verdict"] == "not checked"]
    assert unknown == ["data: train", "data: held_out", "time"]


def test_a_shallow_checkout_and_a_recipe_that_was_never_committed_are_refused(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    recipe = checkout(tmp_path / "full", aws, YESTERDAY)
    (recipe.parent / "new.yaml").write_bytes(recipe.read_bytes())
    assert verify(exported, "--public-key", pinned, "--recipe", recipe.parent / "new.yaml") == 1
    assert "was never committed" in capsys.readouterr().err
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{recipe.parent}", "shallow")
    assert verify(exported, "--public-key", pinned, "--recipe", tmp_path / "shallow" / "recipe.yaml") == 1
    assert "`fetch-depth: 0`" in capsys.readouterr().err


def test_a_recipe_that_was_changed_after_its_commit_has_no_time(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkout").mkdir()
    recipe = checkout(tmp_path / "checkout", aws, YESTERDAY)
    (tmp_path / "link.yaml").symlink_to(recipe)
    assert commit_time(tmp_path / "link.yaml") == commit_time(recipe) == YESTERDAY.replace(microsecond=0)
    recipe.write_text(f"{recipe.read_text()}# changed\n")
    assert verify(exported, "--public-key", pinned, "--recipe", recipe) == 1
    assert "was changed after its last commit" in capsys.readouterr().err


def test_a_git_that_does_not_answer_is_no_missing_checkout(
    aws: FakeAws, exported: Path, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = checkout(tmp_path, aws, YESTERDAY)
    (tmp_path / ".git" / "HEAD").unlink()
    assert verify(exported, "--public-key", pinned, "--recipe", recipe) == 1
    assert "Git does not say when it was committed: fatal: not a git repository" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["FILE", "--line", LINE], "a file cannot vouch for itself"),
        (["FILE", "--public-key", "PINNED"], "which line is wanted? say --line, or give the --recipe"),
        (["missing.json", "--line", LINE, "--public-key", "PINNED"], "missing.json: No such file"),
        (["FILE", "--line", LINE, "--public-key", "FILE"], "does not say `environment:` and `key:` above the key"),
        ([LINE, "--env", "dev", "--release", "7"], f"line {LINE}: no release 7 in environment dev"),
        ([LINE, "--env", "dev", "--release", "1"], f"release 1 of line {LINE} has no signed evidence"),
    ],
)
def test_what_cannot_be_verified_is_one_line(
    aws: FakeAws,
    exported: Path,
    pinned: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    del aws.s3.objects[f"releases/{LINE}/1/evidence.json"]
    named = {"FILE": str(exported), "PINNED": str(pinned)}
    assert verify(*[named.get(argument, argument) for argument in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert says in captured.err
    assert len(captured.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace("environment: dev\n", ""),
        lambda text: text.replace("BEGIN PUBLIC", "BEGIN PRIVATE"),
        lambda text: text.replace("MFkw", "AAAA"),
        lambda text: text.replace("environment: dev", "environment: 1"),
    ],
)
def test_a_file_that_is_no_pinned_key_is_refused(
    exported: Path, pinned: Path, capsys: pytest.CaptureFixture[str], changed: Any
) -> None:
    pinned.write_text(changed(pinned.read_text()))
    assert verify(exported, "--line", LINE, "--public-key", pinned) == 1
    assert "print it with `rft release public-key --env E`" in capsys.readouterr().err


def test_an_export_replaces_no_file_unasked(aws: FakeAws, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = exported.read_bytes()
    assert main(["release", "export", LINE, "--env", "dev", "-o", str(exported)]) == 1
    assert "exists; name another --output" in capsys.readouterr().err
    assert main(["release", "export", LINE, "--release", "1", "--env", "dev", "-o", str(exported), "--force"]) == 0
    assert exported.read_bytes() == aws.s3.objects[f"releases/{LINE}/1/evidence.json"] != before
