"""docs/datasets.md lists every rule, with its severity and fix."""

import re
from pathlib import Path

from rft_dataset.rules import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"


def test_every_rule_is_listed_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (error|warning|advice) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert {code: (severity, fix) for code, severity, fix in rows} == {
        code: (severity.value, fix) for code, (severity, fix) in RULES.items()
    }
