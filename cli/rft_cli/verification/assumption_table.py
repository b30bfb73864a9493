"""The table of docs/assumptions.md."""

from rft_cli.verification.assumption import Assumption, assumptions
from rft_cli.verification.result import Verification

_SOURCES = {
    "docs": "AWS's pages",
    "blog": "a post of AWS",
    "source": "code that AWS published",
    "model": "the service model",
    "reading": "our reading of a page",
    "none": "none",
}
NOT_YET = "not yet run"
HEAD = ("assumption", "evidence", "relied on by", "if it is false", "AWS", "embedded AWS")


def rows(aws: Verification | None, embedded: Verification | None) -> list[list[str]]:
    """Return a row for each assumption, its cells as `HEAD` names them.

    Args:
        aws: What was seen of a real AWS; None: nothing yet.
        embedded: What was seen of the embedded one.
    """
    return [
        [
            f"**{one.id}**: {one.statement}",
            _SOURCES[one.source],
            ", ".join(f"`{name}`" for name in one.relied_on_by),
            _consequence(one),
            _seen(one, aws),
            _seen(one, embedded) + (f"; `--set {one.embedded}`" if one.embedded else ""),
        ]
        for one in assumptions()
    ]


def _consequence(one: Assumption) -> str:
    return f"`{one.switch}`: {one.if_false}" if one.switch and "`" not in one.switch else one.if_false


def _seen(one: Assumption, found: Verification | None) -> str:
    """Return what was seen of an assumption, where and when."""
    seen = found.observations.get(one.id) if found else None
    if found is None or seen is None:
        return NOT_YET if one.looks else f"not observed: {one.unseen}"
    where = "" if found.embedded else f", {found.region}, account {found.account}"
    return f"{seen.observation.verdict}, {seen.date}{where}: {seen.observation.evidence}"
