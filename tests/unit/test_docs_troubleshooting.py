"""docs/troubleshooting.md names what can happen, and quotes what the code says."""

import ast
import re
from functools import cache
from pathlib import Path

import botocore.session
import pytest

from bedrock_rft import handler
from rft_runtime import failures
from rft_runtime.preflight import checks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
CALLED = {
    "bedrock": [
        "CreateModelCustomizationJob",
        "StopModelCustomizationJob",
        "CreateCustomModelDeployment",
        "UpdateCustomModelDeployment",
        "DeleteCustomModelDeployment",
    ],
    "bedrock-runtime": ["Converse"],
}


def section(heading: str) -> str:
    """Return the text below a heading, up to the next one of its level or above."""
    level = heading.split(" ")[0]
    text = PAGE.split(f"\n{heading}\n")[1]
    return re.split(rf"^#{{2,{len(level)}}} ", text, flags=re.MULTILINE)[0]


def quoted(heading: str) -> set[str]:
    """Return what stands in backquotes in the first column of the tables below a heading."""
    rows = [line.split(" | ")[0] for line in section(heading).splitlines() if line.startswith("| ")]
    return {words for row in rows for words in re.findall(r"`([^`]+)`", row)}


@cache
def texts(*folders: str) -> list[str]:
    """Return every text in the code of some folders, with `{}` where something is put in."""
    found = []
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                found.append("".join(str(part) for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def checks_of_preflight() -> set[str]:
    """Return the names that findings have in the code."""
    names = {name for name, _, _ in checks.CHECKS if name != "quota"}
    for path in Path(checks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "check" and isinstance(node.value, ast.Constant):
                names.add(str(node.value.value))
            if isinstance(node, ast.Constant) and re.fullmatch(r"quota-[a-z-]+", str(node.value)):
                names.add(str(node.value))
    return names


def test_every_finding_of_preflight_is_explained_and_no_other() -> None:
    assert quoted("## Preflight") == checks_of_preflight()


@pytest.mark.parametrize("heading", ["## Before the first run", "## What a run's reason says"])
def test_what_is_quoted_is_what_the_code_says(heading: str) -> None:
    said = [*texts("lambda", "cli", "local", "stacks"), (ROOT / "Makefile").read_text(encoding="utf-8")]
    assert quoted(heading)
    assert [words for words in quoted(heading) if not any(words in text for text in said)] == []


def test_configurations_are_refused_in_the_quoted_words() -> None:
    said = texts("stacks")
    from_synth = {words for words in quoted("## Deploying") if "cdk-bootstrap" not in words}
    from_aws = {"is not authorized to perform"}
    assert [words for words in from_synth - from_aws if not any(words in text for text in said)] == []


@pytest.mark.parametrize("service", CALLED)
def test_every_documented_error_of_bedrock_is_explained(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    codes = {shape.name for name in CALLED[service] for shape in model.operation_model(name).error_shapes}
    assert codes <= quoted("## Bedrock")


def test_exactly_the_transient_codes_are_said_to_be_tried_again() -> None:
    for row in section("## Bedrock").splitlines():
        for code in re.findall(r"`(\w+Exception)`", row.split(" | ")[0]):
            assert ("tried again" in row) == (code in failures._TRANSIENT_CODES), code


def test_what_the_workflow_tries_again_is_named() -> None:
    assert {*handler.TRANSIENT, *handler.LOST} - {"Transient", "Runtime.ExitError"} <= quoted("## Step Functions")
    assert "Runtime.ExitError" in quoted("## The reward function")


def test_every_reason_of_an_invalid_rollout_is_explained() -> None:
    found: set[str] = set()
    for path in (path for room in ("rft_rewards", "rft_runtime") for path in (ROOT / "lambda" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Invalid":
                found |= {str(value.value) for value in node.args[:1] if isinstance(value, ast.Constant)}
            if isinstance(node, ast.Constant) and re.fullmatch(r"judge-[a-z-]+", str(node.value)):
                found.add(str(node.value))
    named = quoted("### Invalid rollouts")
    assert found - {"judge-stand-in"} <= named
    said = texts("lambda/rft_rewards", "lambda/rft_runtime")
    assert [name for name in named if name != "grader-raised-..." and name not in said] == []
