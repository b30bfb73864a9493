"""docs/environments.md: every field is there, and its examples and figures are real."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from bedrock_rft import PlatformSettings, Replication
from bedrock_rft.network import ENDPOINTS
from stacks.config import RftConfig, choose
from stacks.network import Network

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "environments.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
TABLE = PAGE.split("## Every field")[1].split("## ")[0]


def test_every_field_has_a_row() -> None:
    rows = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in TABLE.splitlines() if row.startswith("| `")]
    assert sorted(name for row in rows for name in row) == sorted(item.name for item in dataclasses.fields(RftConfig))


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_can_be(example: str) -> None:
    names: dict[str, Any] = {
        "Network": Network,
        "PlatformSettings": PlatformSettings,
        "Replication": Replication,
        "RftConfig": RftConfig,
    }
    made = eval(example, names)
    if isinstance(made, RftConfig):
        assert choose([made], None) == [made]


def test_the_endpoints_and_their_hours() -> None:
    services = PAGE.split("each service that functions call: ")[1].split(".\n")[0]
    assert re.findall(r"`([a-z-]+)`", services) == [service.short_name for service in ENDPOINTS]
    assert f"{len(ENDPOINTS)} endpoints in 2 zones are {2 * len(ENDPOINTS)}" in PAGE
    assert f"month {2 * len(ENDPOINTS) * 730:,} endpoint-hours" in PAGE
