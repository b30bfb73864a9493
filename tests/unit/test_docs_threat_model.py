"""docs/threat-model.md and docs/data-protection.md: every test that they name is there."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMED = re.compile(r"\]\((\.\./tests/[\w/]+\.py)#(test_\w+)\)")


@pytest.mark.parametrize(("page", "least"), [("threat-model.md", 30), ("data-protection.md", 3)])
def test_every_test_that_is_named_exists(page: str, least: int) -> None:
    named = NAMED.findall((DOCS / page).read_text())
    assert len(named) >= least
    missing = [f"{path}#{test}" for path, test in named if f"def {test}(" not in (DOCS / path).resolve().read_text()]
    assert missing == []


def test_every_threat_says_what_remains() -> None:
    text = (DOCS / "threat-model.md").read_text()
    assert text.count("\n## ") == text.count("**Remains.**") == 6
