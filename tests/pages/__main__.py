"""`python -m tests.pages`: renew the generated parts of the documentation."""

from tests.conftest import _platform
from tests.pages.part import DOCS
from tests.pages.written import PAGES, cost_page, written

for name in PAGES:
    (DOCS / name).write_text(written(name), encoding="utf-8")
(DOCS / "cost.md").write_text(cost_page(_platform("dev").template.to_json()), encoding="utf-8")
