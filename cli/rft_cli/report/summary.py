"""A report on the terminal: the verdict, then base against candidate."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from rft_cli.report.page import headline, number, percent
from rft_runtime.report import Report


def summary(report: Report) -> Group:
    """Return a report's numbers for a terminal."""
    good = report.outcome in ("PASSED", "PROMOTED")
    verdict = Text(f"{report.outcome or 'no outcome yet'}  ", "bold green" if good else "bold yellow")
    verdict.append(headline(report), "bold")
    parts: list[Text | Table] = [verdict]
    if report.reason:
        parts.append(Text(report.reason, "dim"))
    if report.stand_in:
        parts.append(Text(f"measured with the stand-in {report.stand_in}", "dim"))
    if report.data and report.data.found:
        told = ", ".join(f"{item.count:,} {item.code}" for item in report.data.found)
        parts.append(Text(f"data: {told}; {report.data.findings}", "dim"))
    if report.probe:
        parts.append(Text(f"probe: {report.probe.words}", "dim"))
    arms = [("base", report.base), ("live", report.live), ("candidate", report.candidate)]
    if report.base or report.candidate:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("model")
        for heading in ("accuracy", "95 % interval", "mean reward", "sampled accuracy", "not graded"):
            table.add_column(heading, justify="right")
        for name, arm in arms:
            if arm is not None:
                table.add_row(
                    name,
                    percent(arm.accuracy, 1),
                    f"{percent(arm.ci95[0])} to {percent(arm.ci95[1])}",
                    number(arm.mean_reward),
                    percent(arm.sampled_accuracy, 1),
                    percent(arm.invalid_share, 1),
                )
        parts.append(table)
    return Group(*parts)
