"""A training set beside production, for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rft_runtime.production_match import FEWEST_PROMPTS, Match, Measure, Side

_STYLES = {"same": "green", "differs": "bold red", "unknown": "yellow"}
_VERDICTS = {
    "same": "training looks like production: no difference beyond chance",
    "differs": "training differs from production",
    "unknown": f"too little is known: fewer than {FEWEST_PROMPTS} different prompts on one side",
}


def match_screen(found: Match) -> RenderableType:
    """Return what was found: each number beside its noise level, then what to do about those above it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("what", "difference", "noise", "verdict"):
        table.add_column(heading, justify="right" if heading in ("difference", "noise") else "left")
    measures = (*found.measures, found.overall)
    for measure in measures:
        table.add_row(*_row(measure))
    told = [_side("training", found.training), _side("production", found.production)]
    differing = [measure for measure in measures if measure.verdict == "differs"]
    told += [Text(f"{measure.name}: {measure.words}") for measure in differing]
    if any(measure.name == "vocabulary" for measure in differing):
        for name, side in (("training", found.training), ("production", found.production)):
            told.append(Text(f"typical of {name}: {', '.join(side.words) or 'no words'}"))
    return Group(table, Text(), *told, Text(_VERDICTS[found.verdict], _STYLES[found.verdict]))


def _row(measure: Measure) -> tuple[Text, ...]:
    return (
        Text(measure.name),
        Text(f"{measure.value:.3f}"),
        Text(f"{measure.noise:.3f}"),
        Text(measure.verdict, _STYLES[measure.verdict]),
    )


def _side(name: str, side: Side) -> Text:
    return Text(f"{name}: {side.prompts:,} prompts, {side.different:,} different, {side.compared:,} compared", "dim")
