"""The table of docs/assumptions.md, from the assumptions and from what was seen of them."""

from rft_cli.verification.assumption_table import HEAD, rows
from rft_cli.verification.result import read_verification
from tests.pages.part import DOCS, table

SEEN = DOCS / "verification"


def assumptions() -> str:
    """Return the table."""
    return table(HEAD, rows(read_verification(SEEN / "aws.json"), read_verification(SEEN / "embedded.json")))
