"""A certificate on one screen: the verdict, what was asked, and what failed on which row for which reason."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rft_runtime.certificate import Certificate, Check, Finding, Verdict

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.INCOMPLETE: "yellow"}
_MARKS = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.INCOMPLETE: "○"}
_SHOWN = 5
"""Findings of one check on the screen; the certificate's file keeps twenty."""


def certificate_screen(certificate: Certificate) -> Group:
    """Return a certificate for a terminal."""
    style = _STYLES[certificate.verdict]
    head = Text.assemble(
        (f"{certificate.verdict}", style),
        f"  reward {certificate.reward} ({certificate.kind}) on {certificate.rows:,} rows in {certificate.environment}",
    )
    parts: list[RenderableType] = [head, _checks(certificate)]
    if certificate.component_shares:
        parts += [Text(), Text(_pull(certificate))]
    for check in certificate.checks:
        if check.findings and check.verdict is not Verdict.PASSED:
            parts += [Text(), Text(check.name, "bold"), _findings(check)]
    tolerated = [check for check in certificate.checks if check.findings and check.verdict is Verdict.PASSED]
    if tolerated:
        lines = sorted({finding.row for check in tolerated for finding in check.findings if finding.row is not None})
        parts += [Text(), Text(f"tolerated, but worth a look: line {', '.join(map(str, lines[:20]))}", "yellow")]
    parts += [Text(), Text(_facts(certificate), "dim")]
    return Group(*parts)


def _checks(certificate: Certificate) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for check in certificate.checks:
        style = _STYLES[check.verdict]
        table.add_row(Text(_MARKS[check.verdict], style), Text(check.name), Text(check.summary, "dim"))
    return table


def _findings(check: Check) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("line", "sent", "score", "why", "completion"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("line", "score") else "left")
    for finding in check.findings[:_SHOWN]:
        table.add_row(*_cells(finding))
    left = check.failed - min(_SHOWN, len(check.findings))
    if left > 0:
        table.add_row("", Text(f"and {left:,} more", "dim"))
    return table


def _cells(finding: Finding) -> list[Text]:
    return [
        Text("" if finding.row is None else str(finding.row)),
        Text(finding.probe or ""),
        Text("" if finding.score is None else f"{finding.score:.3g}"),
        Text(finding.what),
        Text(finding.completion or "", "dim"),
    ]


def _pull(certificate: Certificate) -> str:
    shares = ", ".join(f"{name} {100 * share:z.0f} %" for name, share in certificate.component_shares.items())
    # Of a composition the parts' shares add up; of other rewards each component is looked at alone.
    alone = "" if certificate.kind == "compose" else " that each alone explains"
    return f"pull: {shares} (share of the within-prompt variance of the reward{alone})"


def _facts(certificate: Certificate) -> str:
    stand_in = f", {certificate.stand_in} in the judge's place" if certificate.stand_in else ""
    return (
        f"{certificate.grades:,} completions graded in {certificate.seconds:.1f} s{stand_in}; pass at "
        f"{certificate.thresholds.pass_at:g}, margin {certificate.thresholds.margin:g}; reward "
        f"{certificate.reward_hash[:12]}, dataset {certificate.dataset_sha256[:12]}"
    )
