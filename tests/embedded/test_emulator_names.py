"""The list of ministack's names is exact: nothing is touched that is not listed, and nothing is listed in vain."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rft_local.emulator
from rft_local.emulator import upstream
from rft_local.emulator.names import TOUCHED

SOURCES = sorted(Path(rft_local.emulator.__file__).parent.rglob("*.py"))


def words(path: Path) -> set[str]:
    """All text constants of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_listed_name_is_used() -> None:
    used = set().union(*(words(path) for path in SOURCES if path.name != "names.py"))
    assert {name for names in TOUCHED.values() for name in names} - used == set()
    assert set(TOUCHED) - used == set()


def test_an_unlisted_name_is_refused() -> None:
    with pytest.raises(upstream.IncompatibleMinistackError, match="not listed"):
        upstream.require("services.sts", "_sessions")


def test_a_vanished_name_is_one_line_with_the_pinned_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOUCHED, "services.sts", ("vanished",))
    with pytest.raises(upstream.IncompatibleMinistackError) as caught:
        upstream.require("services.sts", "vanished")
    assert "\n" not in str(caught.value)
    assert "ministack==1.5.33" in str(caught.value)


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.5.34")
    with pytest.raises(upstream.IncompatibleMinistackError, match=r"1\.5\.34 is installed.*pip install"):
        upstream.check()
