"""Prompt/grader alignment: whether each prompt of a dataset tells the model the form that its reward reads.

A model that is never told what is read is paid by luck, and one that is told another form is paid for disobedience.
What each grader wants to be told is in `rft_runtime.alignment.requirements`. One finding a requirement and a file tells
the share of such prompts with its 95 % interval, and where to look.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_dataset.checking import Source
from rft_dataset.findings import Finding
from rft_dataset.records import Row
from rft_dataset.row_reader import RowReader
from rft_dataset.rules import finding
from rft_runtime.alignment.prompt import Prompt
from rft_runtime.alignment.requirement import Requirement
from rft_runtime.alignment.requirements import Requirements, requirements_of
from rft_runtime.statistics import wilson_interval

SELDOM = 0.01
"""Below this share of the prompts a finding is advice: the rules may not know the wording of so few."""

_EXAMPLES = 5
_SHOWN_ITEMS = 5
_MOST_ITEMS = 1000
_RECURRING = 0.1
"""Share of the rows from which on a name from the rows is taken for the name of a field and shown; others are data."""


def aligned_to(spec: RewardSpec | None) -> Callable[[Source], Sequence[RowReader]]:
    """Return what makes the reader of a dataset, for `rft_dataset.checking.check`.

    Args:
        spec: The reward; None when it is its author's own code.

    Raises:
        ValueError: One line, when the reward's grader or options are not what they can be.
    """
    requirements = requirements_of(spec)
    return lambda source: (PromptAlignment(source.name, requirements),)


class PromptAlignment:
    """Counts the prompts of one dataset that do not tell what their reward reads.

    Args:
        file: Name of the dataset.
        requirements: What the reward wants told.
    """

    def __init__(self, file: str, requirements: Requirements) -> None:
        self._file = file
        self._silent = requirements.silent
        self._tallies = [_Tally(requirement) for requirement in requirements.listed]
        self._rows = 0
        self._clear = 0

    def see(self, line: int, row: Row) -> None:
        """Take a row."""
        self._rows += 1
        if self._tallies:
            prompt = Prompt.of(row)
            told = [tally.take(line, prompt) for tally in self._tallies]
            self._clear += all(told)

    def findings(self) -> Iterator[Finding]:
        """Yield at most two findings a requirement: of prompts that do not tell it, and that ask for another form."""
        for tally in self._tallies:
            yield from tally.findings(self._file)

    def facts(self) -> JsonObject:
        """Return the shares, under `alignment`."""
        requirements: list[JsonValue] = [tally.to_json() for tally in self._tallies if tally.seen]
        applies = bool(self._tallies and self._rows)
        return {
            "alignment": {
                "prompts": self._rows,
                "clear": round(self._clear / self._rows, 6) if applies else None,
                "requirements": requirements,
                "not_applicable": dict(self._silent),
            }
        }


@dataclass
class _Share:
    """Prompts of a kind.

    Args:
        lines: Their lines.
        items: What was missing, or asked for instead, in how many of them; of at most 1,000 names.
    """

    lines: "array[int]" = field(default_factory=lambda: array("L"))
    items: Counter[str] = field(default_factory=Counter)

    def add(self, line: int, items: Sequence[str]) -> None:
        """Count a prompt."""
        self.lines.append(line)
        self.items.update(item for item in items if item in self.items or len(self.items) < _MOST_ITEMS)

    def examples(self) -> list[int]:
        """Return a few of the lines, spread evenly over the file."""
        count = len(self.lines)
        shown = min(count, _EXAMPLES)
        return [self.lines[place * (count - 1) // max(1, shown - 1)] for place in range(shown)]

    def summary(self, seen: int) -> str:
        """Return how many of the prompts they are, as `412 of 1,000 prompts (41 %, 95 % interval 38 to 44 %)`."""
        count = len(self.lines)
        interval = wilson_interval(count, seen)
        low, high = _percent(interval.low), _percent(interval.high)
        return f"{count:,} of {seen:,} prompts ({_percent(count / seen)} %, 95 % interval {low} to {high} %)"


class _Tally:
    """What the prompts of a dataset tell of one requirement."""

    def __init__(self, requirement: Requirement) -> None:
        self._requirement = requirement
        self._silent = _Share()
        self._rival = _Share()
        self.seen = 0
        """Prompts for which there is something to tell."""

    def take(self, line: int, prompt: Prompt) -> bool:
        """Count a prompt; return whether it tells what is required."""
        telling = self._requirement.told_by(prompt)
        if telling is None:
            return True
        self.seen += 1
        if telling.instead:
            self._rival.add(line, (telling.instead,))
        elif telling.missing:
            self._silent.add(line, telling.missing)
        return not telling.instead and not telling.missing

    def findings(self, file: str) -> Iterator[Finding]:
        """Yield what was found."""
        what = self._requirement.what
        if self._silent.lines:
            named = self._named("missing: ", self._silent)
            yield self._finding(file, "unclear-form", self._silent, f"do not tell the model {what}{named}")
        if self._rival.lines:
            named = self._named("", self._rival)
            words = f"ask for another form{named} and do not tell the model {what}"
            yield self._finding(file, "conflicting-form", self._rival, words)

    def _finding(self, file: str, code: str, share: _Share, words: str) -> Finding:
        """Return a finding about some of the prompts."""
        seldom = len(share.lines) < SELDOM * self.seen
        lines = ", ".join(map(str, share.examples()))
        message = f"{share.summary(self.seen)} {words}: line{'s' * (len(share.lines) > 1)} {lines}"
        return finding(file, 0, "seldom-unclear-form" if seldom else code, message)

    def _named(self, lead: str, share: _Share) -> str:
        """Return the items as a message shows them."""
        items = self._items(share)
        rest = len(items) - _SHOWN_ITEMS
        shown = [f"{item} in {count:,}" for item, count in items[:_SHOWN_ITEMS]]
        return f" ({lead}{'; '.join(shown)}{f'; {rest:,} more' if rest > 0 else ''})" if shown else ""

    def to_json(self) -> JsonObject:
        """Return the counts."""
        return {
            "what": self._requirement.what,
            "prompts": self.seen,
            "unclear": self._part(self._silent),
            "conflicting": self._part(self._rival),
        }

    def _part(self, share: _Share) -> JsonObject:
        count = len(share.lines)
        interval = wilson_interval(count, self.seen)
        items: JsonObject = dict(self._items(share))
        return {
            "prompts": count,
            "share": round(count / self.seen, 6),
            "interval": [round(interval.low, 6), round(interval.high, 6)],
            "lines": list(share.examples()),
            "items": items,
        }

    def _items(self, share: _Share) -> list[tuple[str, int]]:
        """Return the items that have a name and may be shown, the most frequent first."""
        least = _RECURRING * self.seen if self._requirement.names_fields_of_rows and share is self._silent else 0
        return [(item, count) for item, count in share.items.most_common() if item and count >= least]


def _percent(share: float) -> str:
    """Return a share in percent, with two digits that count."""
    return f"{100 * share:.2g}" if share < 0.995 else "100" if share == 1 else f"{100 * share:.4g}"
