"""docs/architecture.md shows the tree as it is."""

import re
from pathlib import Path

from tests.unit.test_house import BELOW, ROOMS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROWS = {cells[1].strip(): cells for cells in (line.split("|") for line in PAGE.splitlines() if line.startswith("| `"))}
NOT_OURS = {"node_modules", "build", "dist", "out", "site"}
SOURCE_ROOTS = ("lambda", "constructs", "local", "cli")


def test_every_room_has_its_row() -> None:
    places = {name: f"`{root}/{name}`" if root != "." else f"`{name}`, `app.py`" for name, root in ROOMS.items()}
    assert set(places.values()) <= ROWS.keys()


def test_every_folder_of_a_room_is_named_in_its_row() -> None:
    for name, root in ROOMS.items():
        if root == ".":
            continue
        (row,) = ["|".join(cells) for place, cells in ROWS.items() if place == f"`{root}/{name}`"]
        inner = [path.name for path in (ROOT / root / name).iterdir() if (path / "__init__.py").exists()]
        assert not [folder for folder in inner if f"`{folder}`" not in row], name


def test_every_top_level_folder_is_named() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    for name in sorted(folders - NOT_OURS - set(SOURCE_ROOTS) - {"__pycache__", "cdk.out"}):
        assert f"`{name}`" in PAGE, name


def test_the_kinds_of_tests_are_named() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `tests` |")]
    kinds = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert kinds <= set(re.findall(r"`(\w+)`", row))


def test_the_arrows_are_those_that_a_test_holds() -> None:
    wanted = {"rft_contract": "standard library", "bedrock_rft": "contract alone"}
    for name, words in wanted.items():
        (row,) = [cells for place, cells in ROWS.items() if place.endswith(f"/{name}`")]
        assert row[3].strip() == words
    assert (BELOW["rft_contract"], BELOW["bedrock_rft"]) == (set(), {"rft_contract"})
