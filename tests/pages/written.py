"""Every page that has generated parts."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.pages import assumed, commands, constructs, costs, hyperparameters
from tests.pages.part import DOCS, with_part

Part = Callable[[], str]


def decisions() -> str:
    """Return the list of decisions, each with its title."""
    found = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = [re.sub(r"^# ", "", path.read_text(encoding="utf-8").splitlines()[0]) for path in found]
    return "\n".join(f"- [{title}]({path.name})" for path, title in zip(found, titles, strict=True))


PAGES: Mapping[str, Mapping[str, Part]] = {
    "cli.md": {"targets": commands.targets, "shared": commands.shared_options, "commands": commands.sections},
    "constructs.md": {"takes": constructs.takes},
    "hyperparameters.md": {
        "bounds": hyperparameters.bounds,
        "work": hyperparameters.work,
        "gradients": hyperparameters.gradients,
    },
    "decisions/README.md": {"decisions": decisions},
    "assumptions.md": {"assumptions": assumed.assumptions},
}
"""Page -> its parts, which need nothing but the code."""

PRICED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "units": costs.units,
    "transitions": costs.transitions,
    "metrics": costs.metrics,
    "idle": costs.idle,
}
"""The parts of cost.md, which are told by the template of dev."""


def written(name: str) -> str:
    """Return what a page shall be, from what it is."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for part, make in PAGES[name].items():
        text = with_part(text, part, make())
    return text


def cost_page(template: Mapping[str, Any]) -> str:
    """Return what cost.md shall be."""
    text = (DOCS / "cost.md").read_text(encoding="utf-8")
    for part, make in PRICED.items():
        text = with_part(text, part, make(template))
    return text
