"""What programs leave behind: removed wholly, never through a link; an environment that cannot show it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rft_runner.leftovers import Leftovers

LAMBDA = Path(__file__).parents[2] / "lambda"


def left_in(folder: Path) -> Leftovers:
    return Leftovers(owned=[folder], shared=[], user=os.getuid())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "programs"
    made.mkdir()
    return made


def test_files_folders_links_and_pipes_go(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("stays")
    (folder / "link").symlink_to(kept)
    (folder / "dangling").symlink_to("/nowhere")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "link").symlink_to(kept)
    (folder / "a" / "b" / ".hidden").write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "a" / "b").chmod(0)
    assert left_in(folder).remove()
    assert list(folder.iterdir()) == []
    assert (kept / "file").read_text() == "stays"


def test_a_tree_deeper_than_any_path_goes(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("deeper", dir_fd=here)
            below = os.open("deeper", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
    finally:
        os.close(here)
    assert left_in(folder).remove()
    assert list(folder.iterdir()) == []


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("stays")
    folder.rmdir()
    folder.symlink_to(kept)
    assert not left_in(folder).remove()
    assert (kept / "file").read_text() == "stays"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs files of another user")
def test_in_a_shared_folder_only_the_programs_own_files_go(folder: Path) -> None:
    (folder / "ours").write_text("stays")
    (folder / "theirs").write_text("goes")
    os.chown(folder / "theirs", 65534, 65534)
    assert Leftovers(owned=[], shared=[folder], user=65534).remove()
    assert [path.name for path in folder.iterdir()] == ["ours"]


def test_in_a_shared_folder_nothing_goes_when_programs_are_this_user(folder: Path) -> None:
    (folder / "ours").write_text("stays")
    assert Leftovers(owned=[], shared=[folder], user=os.getuid()).remove()
    assert [path.name for path in folder.iterdir()] == ["ours"]


@pytest.mark.parametrize("step", ["run", "check"])
def test_an_environment_that_may_be_unclean_ends_without_a_response(step: str) -> None:
    script = f"""
import sys; sys.path.insert(0, sys.argv[1])
from rft_runner import handler, sandbox
class Sandbox:
    def run(self, job): return sandbox.Answered(["v1"], 0.0, 0)
    def check(self): pass
def unclean(*arguments): raise sandbox.Unclean
setattr(Sandbox, {step!r}, unclean)
handler._sandbox = Sandbox
print(handler.handler({{"nonce": "n", "seconds": 9, "jobs": [{{"seconds": 1}}]}}, None), flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script, str(LAMBDA)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b""), done.stderr
