"""The site: each page is in its contents, each export in its reference."""

import re
from collections import Counter
from pathlib import Path

import bedrock_rft

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_page_is_in_the_contents_once() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r"- (\S+\.md)$", contents, flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_every_export_is_in_the_reference_once() -> None:
    pages = sorted((DOCS / "reference").glob("*.md"))
    shown = Counter(
        name
        for page in pages
        for name in re.findall(r"^::: bedrock_rft\.(\w+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert shown == Counter(bedrock_rft.__all__)


def test_the_contents_of_the_reference_name_what_its_pages_show() -> None:
    index = (DOCS / "reference" / "index.md").read_text(encoding="utf-8")
    for page, names in re.findall(r"^\| \[.*\]\((\w+\.md)\) \| (.*) \|$", index, flags=re.MULTILINE):
        text = (DOCS / "reference" / page).read_text(encoding="utf-8")
        assert re.findall(r"`(\w+)`", names) == re.findall(r"^::: bedrock_rft\.(\w+)$", text, flags=re.MULTILINE), page
