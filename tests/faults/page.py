"""`python -m tests.faults.page`: write docs/reliability.md from the cases and the state machine.

A test holds the page, the cases and the definition together.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bedrock_rft.polling import EVENT_BUDGET, EVENTS_PER_POLL, polling_events
from rft_contract.settings import PlatformSettings
from tests.constructs_.simulated_execution import ATTEMPT_EVENTS, EVENTS, MAP_EVENTS, TASK_EVENTS
from tests.faults.bases import ORDER
from tests.faults.case import Case, load_cases
from tests.faults.classes import Class, classes
from tests.faults.machine import StateMachine, state_machine

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
EMBEDDED = ROOT / "benchmarks" / "results" / "faults.json"
MOST_EVENTS = 25_000
STATES = (
    "Plan",
    "Validate",
    "Freeze",
    "Certify",
    "StartProbe",
    "ProbeRollout",
    "DecideProbe",
    "StartTraining",
    "PollTraining",
    "DeployCandidate",
    "PollDeployment",
    "Rollout",
    "Decide",
    "PromoteCandidate",
    "PollPromotion",
)
"""Between a run's begin and its closing."""


def page(machine: StateMachine, cases: list[Case]) -> str:
    """Return the page's text."""
    text = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
    parts = {
        "cases": f"{len(cases):,}",
        "states": str(len({case.state for case in cases})),
        "table": "\n".join(_table(classes(cases))),
        "embedded": _embedded_words(),
        "events": "\n".join(_events(machine)),
    }
    for name, part in parts.items():
        text = text.replace(f"<<{name}>>", part)
    return text


def _table(found: list[Class]) -> Iterator[str]:
    embedded = _embedded()
    columns = ["states", "failure", "cases", "ends as", "what is left, what to do", "on the embedded AWS"]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---:' if name == 'cases' else '---' for name in columns)}|"
    for row in found:
        cells = [_states(row.states), row.failure, str(len(row.cases)), ", ".join(row.outcomes), row.remedy]
        ran = [embedded[name] for name in row.cases if name in embedded]
        yield f"| {' | '.join([*cells, f'{sum(ran)} of {len(ran)}' if ran else ''])} |"


def _states(states: tuple[str, ...]) -> str:
    return "every state of a run" if set(STATES) <= set(states) else ", ".join(states)


def _embedded() -> dict[str, bool]:
    """Return the cases that were run on the embedded AWS too -> whether they ended as they must."""
    rows = _measured()["rows"]
    return {f"{row['state']}: {row['failure']}": bool(row["ok"]) for row in rows if "ok" in row}


def _embedded_words() -> str:
    """Return what was run on the embedded AWS, and why the rest cannot be."""
    measured = _measured()
    absent = measured["not_here"]
    reasons = "\n".join(f"- {reason} ({count})" for reason, count in absent.items())
    return (
        "The last column is of the embedded AWS (`python -m benchmarks faults`), with real functions, roles and state "
        f"machine: one case of each of {measured['kinds']} kinds, which are a state, a service, a kind of error and an "
        f"outcome. **{measured['run']} were run there, {measured['ok']} ended as they must.** {sum(absent.values())} "
        f"cannot be had there:\n\n{reasons}"
    )


def _measured() -> Any:
    return json.loads(EMBEDDED.read_text(encoding="utf-8"))["figures"]


def _events(machine: StateMachine) -> Iterator[str]:
    """Yield the table of history events: of each state, and their sum."""
    yield "| state | events | with every retry used | how often |"
    yield "|---|---:|---:|---|"
    once = most = 0
    for name in [*(state for state in ORDER if state in machine.states), *sorted(machine.states.keys() - set(ORDER))]:
        events, retries = events_of(machine.states[name])
        turns = name.startswith(("WaitFor", "Poll")) or name in ("IsTrained", "IsDeployed", "IsPromoted")
        once, most = (once, most) if turns else (once + events, most + retries)
        yield f"| {name} | {events} | {retries} | {'each turn of polling' if turns else 'once'} |"
    settings = PlatformSettings(environment="dev")
    hours = machine.definition["TimeoutSeconds"] / 3600
    polling = polling_events(settings, hours)
    yield f"| all that are passed once | {once} | {most} | |"
    yield f"| polling, {EVENTS_PER_POLL} events a turn, for all of {hours:g} hours | {polling:,} | | |"
    yield (
        f"| **sum**, of {MOST_EVENTS:,} that Step Functions allows | **{once + polling:,}** | **{most + polling:,}** "
        f"| polling that could write more than {EVENT_BUDGET:,} is refused at synth |"
    )


def events_of(state: dict[str, object]) -> tuple[int, int]:
    """Return the history events of one pass through a state, and the most with every retry used."""
    kind = str(state["Type"])
    if kind == "Map":
        return MAP_EVENTS, MAP_EVENTS
    if kind != "Task":
        return EVENTS[kind], EVENTS[kind]
    retry = state["Retry"]
    assert isinstance(retry, list)
    once = TASK_EVENTS + ATTEMPT_EVENTS
    return once, once + ATTEMPT_EVENTS * sum(int(rule["MaxAttempts"]) for rule in retry)


def main() -> None:
    """Write it."""
    PAGE.write_text(page(state_machine(), load_cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
