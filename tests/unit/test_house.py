"""The rooms of the house and the direction of its imports."""

import ast
import re
import sys
from pathlib import Path

import pytest

from rft_contract.graders import GRADERS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "rft_contract": "lambda",
    "rft_rewards": "lambda",
    "rft_dataset": "lambda",
    "rft_runtime": "lambda",
    "rft_handlers": "lambda",
    "rft_runner": "lambda",
    "rft_local": "local",
    "rft_cli": "cli",
    "bedrock_rft": "constructs",
    "stacks": ".",
}
BELOW: dict[str, set[str]] = {
    "rft_contract": set(),
    "rft_rewards": {"rft_contract"},
    "rft_dataset": {"rft_contract"},
    "rft_runtime": {"rft_contract", "rft_rewards", "rft_dataset"},
    "rft_handlers": {"rft_contract", "rft_rewards", "rft_dataset", "rft_runtime"},
    "rft_runner": {"rft_contract"},
    "rft_local": {"rft_contract", "rft_rewards", "rft_dataset", "rft_runtime", "rft_handlers"},
    "rft_cli": {"rft_contract", "rft_rewards", "rft_dataset", "rft_runtime", "rft_handlers", "rft_local"},
    "bedrock_rft": {"rft_contract"},
    "stacks": {"bedrock_rft", "rft_contract"},
}
STDLIB_ONLY = ("rft_contract", "rft_rewards", "rft_runner")
LOCKED = {
    "json_schema": {"jsonschema_rs"},
    "latex_equality": {"math_verify", "sympy"},
    "language": {"py3langid"},
    "pattern": {"re2"},
    "text": {"rapidfuzz"},
}
"""The modules of graders with a lock that may import what it lists."""


def modules(room: str) -> list[Path]:
    return sorted((ROOT / ROOMS[room] / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in the module the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_down(room: str) -> None:
    allowed = BELOW[room] | {room}
    for path in modules(room):
        upward = (imported(path) & ROOMS.keys()) - allowed
        assert not upward, f"{path.relative_to(ROOT)} imports {', '.join(sorted(upward))}"


@pytest.mark.parametrize("room", STDLIB_ONLY)
def test_floor_zero_is_standard_library_only(room: str) -> None:
    for path in modules(room):
        foreign = imported(path) - set(sys.stdlib_module_names) - BELOW[room] - {room}
        allowed = LOCKED.get(path.stem, set()) if room == "rft_rewards" else set()
        assert not foreign - allowed, f"{path.relative_to(ROOT)} imports {', '.join(sorted(foreign))}"


@pytest.mark.parametrize("name", [name for name, entry in GRADERS.items() if entry.lock is None])
def test_a_grader_without_a_lock_reaches_no_locked_module(name: str) -> None:
    waiting, seen = [GRADERS[name].module], set[str]()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        source = (ROOT / "lambda" / "rft_rewards" / f"{module}.py").read_text()
        waiting += [other for other in re.findall(r"from rft_rewards\.(\w+) import", source) if other not in seen]
    assert not seen & LOCKED.keys()


def test_no_lambda_code_imports_cdk() -> None:
    for path in sorted((ROOT / "lambda").rglob("*.py")):
        assert not imported(path) & {"aws_cdk", "constructs"}, path.relative_to(ROOT)


@pytest.mark.parametrize("source_root", ["constructs", "lambda", "local", "cli"])
def test_source_roots_are_not_packages(source_root: str) -> None:
    assert not (ROOT / source_root / "__init__.py").exists()


def test_the_composition_root_stays_short() -> None:
    assert len((ROOT / "app.py").read_text().splitlines()) < 40


def test_no_relative_imports() -> None:
    for room in ROOMS:
        for path in modules(room):
            for node in ast.walk(ast.parse(path.read_text())):
                assert not (isinstance(node, ast.ImportFrom) and node.level), path.relative_to(ROOT)
