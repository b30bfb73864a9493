"""What the emulator can be told to do otherwise, and how it is told."""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rft_local import lifecycle
from rft_local.emulator.new_roles import NEW, NewRoles
from rft_local.emulator.patches.system_calls import refuse_system_calls
from rft_local.emulator.undocumented import BatchInput, NewRole, SystemCalls, Undocumented
from rft_local.process import Process
from rft_local.project import Project


def asked(*arguments: str) -> Undocumented:
    parser = argparse.ArgumentParser()
    Undocumented.add_options(parser)
    return Undocumented.from_options(parser.parse_args(arguments))


def test_every_field_is_an_option_with_the_words_of_its_class() -> None:
    assert asked() == Undocumented()
    assert asked("--batch-input=text", "--new-role", "late") == Undocumented(
        batch_input=BatchInput.TEXT, new_role=NewRole.LATE
    )
    assert len(Undocumented.options()) == len(fields(Undocumented))
    parser = argparse.ArgumentParser()
    Undocumented.add_options(parser)
    assert "a path in the BatchInput of a Distributed Map is taken for (default path)" in " ".join(
        parser.format_help().split()
    )


@pytest.mark.parametrize("values", [{"batch_input": "nothing"}, {"nothing": "text"}])
def test_what_cannot_be_chosen_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="nothing"):
        Undocumented.of(values)


def test_each_setting_reaches_the_process_that_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: dict[str, Sequence[str]] = {}

    def start(name: str, command: Sequence[str], **_: Any) -> Process:
        commands[name] = command
        return Process(name, 1, "")

    monkeypatch.setattr(Process, "start", start)
    project = Project(tmp_path)
    project.state_folder.mkdir(parents=True)
    settings = ("--batch-input=text", "--nested=text", "--shuffle-rewards")
    lifecycle._start(project, 1, 2, None, settings, ("bedrock",))
    assert [commands["emulator"].count(one) for one in settings] == [1, 0, 0]
    assert [commands["bedrock"].count(one) for one in settings] == [0, 1, 1]


def test_a_late_role_is_known_at_the_second_question_or_a_minute_later() -> None:
    roles, now = NewRoles(), datetime.now(UTC)
    assert roles.is_known("first", now)
    roles.choose(NewRole.LATE)
    assert roles.is_known("first", now)
    assert not roles.is_known("second", now) and roles.is_known("second", now)
    assert roles.is_known("old", now - NEW - timedelta(seconds=1))


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_the_kernel_refuses_the_calls_to_everything_that_is_started_and_no_others() -> None:
    words = """
import json, subprocess, sys, threading
from rft_cli.verification.observer import sandbox
from rft_local.emulator.patches.system_calls import refuse_system_calls
from rft_local.emulator.undocumented import SystemCalls
refuse_system_calls(SystemCalls.ALLOWED)
refuse_system_calls(SystemCalls.REFUSED)
look = "from rft_cli.verification.observer import sandbox; import json; print(json.dumps(sandbox()))"
thread = threading.Thread(target=subprocess.run, args=([sys.executable, "-c", look],))
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    refused = "PermissionError: Operation not permitted"
    assert json.loads(done.stdout) == dict.fromkeys(
        ("non-dumpable", "subreaper", "memfd_create", "descriptors"), refused
    )


def test_a_machine_whose_calls_are_unknown_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match=r"riscv64, wanted Linux on x86_64 or aarch64"):
        refuse_system_calls(SystemCalls.REFUSED)
