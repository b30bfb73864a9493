"""Listing, showing and rolling back releases, through the command line."""

import json
from typing import Any

import pytest

from rft_cli.main import main
from rft_runtime.releases.rollback import roll_back
from tests.unit.cli_fakes import Bench, bench
from tests.unit.fakes.account import BUCKET
from tests.unit.fakes.aws import FakeAws
from tests.unit.test_runtime_promotion import LINE, LIVE, current, is_under_way
from tests.unit.test_runtime_rollback import released
from tests.unit.test_runtime_workflow import RUN

__all__ = ["bench"]


@pytest.fixture
def aws(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A line with two releases, whose rollback function does what the deployed one does."""
    found = released("second")
    bench.s3.objects, bench.s3.versions = found.s3.objects, found.s3.versions

    def on_rollback(event: dict[str, Any]) -> dict[str, Any]:
        return dict(roll_back(found.platform(), **event))

    def wait(seconds: float) -> None:
        if is_under_way(found):
            found.bedrock.settle_deployment(LIVE)

    bench.functions.on_rollback = on_rollback
    monkeypatch.setattr("rft_cli.rollback.sleep", wait)
    return found


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_releases_of_a_line_are_listed_newest_first(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "list", LINE, "--env", "dev", "--json"]) == 0
    newest, first = answer(capsys)
    assert (newest["release"], newest["live"], newest["run_id"]) == (2, True, "second")
    assert (first["release"], first["live"], first["run_id"], first["gain"]) == (1, False, RUN, 0.5)


def test_without_a_line_what_is_live_on_each_is_listed(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "list", "--env", "dev"]) == 0
    shown = capsys.readouterr().out
    assert LINE in shown
    assert "2 live" in shown
    assert RUN not in shown


def test_a_line_without_releases_says_how_to_get_one(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "list", "nothing", "--env", "dev"]) == 0
    assert "`promote: true`" in capsys.readouterr().err


def test_a_manifest_is_shown(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "show", LINE, "--env", "dev"]) == 0
    shown = capsys.readouterr().out
    assert "second" in shown
    assert "release 1" in shown
    assert main(["release", "show", LINE, "1", "--env", "dev", "--json"]) == 0
    assert answer(capsys)["run_id"] == RUN


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", LINE, "7"], f"line {LINE}: no release 7 in environment dev"),
        (["show", "nothing"], "line nothing: no live release in environment dev"),
        (["show", "No Line"], "line: got 'No Line'"),
        (["rollback", LINE], "say --yes to make the previous release"),
        (["rollback", LINE, "--yes", "--to", "7"], "release 7 was never live; those that were: 1, 2"),
        (["rollback", "nothing", "--yes"], "nothing was ever promoted on it"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["release", *arguments, "--env", "dev"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert says in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not captured.out


@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_a_live_release_whose_manifest_is_gone_is_named(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    del aws.s3.objects[f"releases/{LINE}/2.json"]
    assert main(["release", command, LINE, "--env", "dev"]) == 1
    assert f"line {LINE}: no release 2 in environment dev" in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"no JSON", b"{}", b"\xff"])
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["show", LINE], "2.json"),
        (["list", LINE], "1.json"),
        (["list"], "current.json"),
        (["verify", LINE], "current.json"),
    ],
)
def test_what_cannot_be_read_is_named(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], arguments: list[str], name: str, body: bytes
) -> None:
    aws.s3.objects[f"releases/{LINE}/{name}"] = body
    assert main(["release", *arguments, "--env", "dev"]) == 1
    says = capsys.readouterr().err
    assert says.startswith(f"error: s3://{BUCKET}/releases/{LINE}/{name} is not as a promotion or rollback wrote it: ")
    assert says.endswith("put back the version before, which the bucket keeps for a while\n")


def test_rolling_back_waits_until_the_release_serves(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "rollback", LINE, "--env", "dev", "--yes", "--reason", "too long", "--json"]) == 0
    assert answer(capsys) == {"line": LINE, "release": 1, "environment": "dev"}
    assert (current(aws).release, current(aws).history[-1].reason) == (1, "too long")


def test_ctrl_c_says_that_the_rollback_goes_on(
    aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rft_cli.rollback.sleep", interrupt)
    assert main(["release", "rollback", LINE, "--env", "dev", "--yes"]) == 130
    assert "goes on by itself" in capsys.readouterr().err
