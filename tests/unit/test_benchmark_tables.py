"""Tables in the docs say what the committed results say."""

from benchmarks.tables import PAGE, page


def test_the_page_is_what_the_results_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m benchmarks.tables"
