"""What programs write of the documentation is what they would write now, and links lead somewhere."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rft_contract.prices import Unit
from rft_contract.settings import PlatformSettings
from tests.pages.costs import UNITS
from tests.pages.part import DOCS, with_part
from tests.pages.written import PAGES, cost_page, written

ROOT = DOCS.parent
EVERY = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
RENEW = "renew it: python -m tests.pages"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == written(name), RENEW


def test_the_page_of_costs_is_what_the_template_says(platform: Callable[[str], Any]) -> None:
    template = platform("dev").template.to_json()
    assert (DOCS / "cost.md").read_text(encoding="utf-8") == cost_page(template), RENEW


def test_every_unit_of_a_price_is_told() -> None:
    assert set(UNITS) == set(Unit)


def test_models_are_kept_as_the_page_of_costs_says() -> None:
    settings = PlatformSettings(environment="dev")
    page = (DOCS / "cost.md").read_text(encoding="utf-8")
    assert f"`rejected_model_days` ({settings.rejected_model_days:g})" in page
    assert f"`keep_releases` ({settings.keep_releases})" in page


def test_a_part_is_replaced_and_the_rest_is_kept() -> None:
    page = "a\n<!-- x: python -m tests.pages -->\n\nold\n\n<!-- end -->\nb\n"
    assert with_part(page, "x", "new") == page.replace("old", "new")
    with pytest.raises(ValueError, match="no part between"):
        with_part(page, "y", "new")


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
    kept = [mark for mark in words if mark in " -_" or unicodedata.category(mark)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {_anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}


@pytest.mark.parametrize("page", EVERY, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or found.suffix != ".md" or anchor in _anchors(found), target


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", text))
    assert {page.name for page in DOCS.glob("*.md")} <= linked
