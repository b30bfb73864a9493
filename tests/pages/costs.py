"""The tables of docs/cost.md, from the synthesized template of dev, its state machine and the example recipe."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bedrock_rft.polling import EVENTS_PER_POLL, polling_events
from rft_cli.recipe_file import read_recipe
from rft_contract.metrics import DIMENSION_SETS, MetricName
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import Unit
from rft_contract.recipe import Recipe
from rft_runtime.planning.expectation import expect
from rft_runtime.planning.money import quantities_of
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from rft_runtime.planning.usage import Usage
from rft_runtime.probing import probe
from rft_runtime.probing.probe_sample import samples_of
from rft_runtime.shards import BASE, CANDIDATE, shards_of
from tests.constructs_.conftest import flat
from tests.pages.part import table

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "routing-nova.yaml"
HOURS = (1, 4, 12, 48)
JUDGES = (MetricName.JUDGE_CALLS, MetricName.JUDGE_TOKENS_IN, MetricName.JUDGE_TOKENS_OUT)
RUNS = 10
"""In the month that is reckoned through for metrics."""

UNITS: Mapping[Unit, str] = {
    Unit.TRAINING_HOUR: "the customization job, should AWS charge it by the hour",
    Unit.TRAINING_MILLION_TOKENS: "the customization job, should AWS charge it by tokens: its prompts and completions",
    Unit.INFERENCE_MILLION_TOKENS_IN: "questions to the base model: Probe and Evaluate",
    Unit.INFERENCE_MILLION_TOKENS_OUT: "its answers",
    Unit.CUSTOM_MILLION_TOKENS_IN: "questions to the candidate and to the line's live release: Evaluate",
    Unit.CUSTOM_MILLION_TOKENS_OUT: "their answers",
    Unit.JUDGE_MILLION_TOKENS_IN: "questions to judges, where the reward has one",
    Unit.JUDGE_MILLION_TOKENS_OUT: "their answers",
    Unit.LAMBDA_GB_SECOND: "the reward function: memory times time",
    Unit.LAMBDA_MILLION_REQUESTS: "the reward function: calls",
    Unit.DEPLOYMENT_HOUR: "the candidate's deployment; AWS documents no price by the hour for one on demand: write 0",
}

IDLE = (
    ("AWS::KMS::Key", "KMS keys", "each key, monthly; rotated yearly"),
    ("AWS::CloudWatch::Alarm", "alarms", "each alarm's metrics, monthly"),
    ("AWS::CloudWatch::Dashboard", "dashboards", "each, monthly"),
    ("AWS::S3::Bucket", "buckets", "what lies in them, versions too"),
    ("AWS::Logs::LogGroup", "log groups", "what functions and executions write, and what is kept"),
    ("AWS::Lambda::Function", "functions", "nothing until they are called"),
    ("AWS::StepFunctions::StateMachine", "state machines", "nothing until a run starts"),
    ("AWS::SQS::Queue", "queues of dead letters", "requests"),
    ("AWS::SNS::Topic", "topics", "messages"),
    ("AWS::EC2::VPCEndpoint", "VPC endpoints", "each zone and hour, see [Network](environments.md#network)"),
)


def example(template: Mapping[str, Any]) -> Usage:
    """Return what a run of the example recipe uses in the environment of a template."""
    recipe = read_recipe(RECIPE)
    sizes = {}
    for split, place in recipe.datasets.items():
        with (RECIPE.parent / place).open("rb") as file:
            sizes[split] = read_prompt_sizes(file)
    facts = PlanFacts.from_json(definition(template)["States"]["Plan"]["Parameters"])
    return expect(recipe, sizes, facts, has_live=False, looks=0, today=date(2026, 1, 1)).estimate


def units(template: Mapping[str, Any]) -> str:
    """Return every unit of a price, and how much of it a run of the example recipe uses."""
    used = quantities_of(example(template))
    rows = [[f"`{unit}`", words, used[unit].words() if unit in used else "none"] for unit, words in UNITS.items()]
    return table(["unit", "for", "a run of the example"], rows, numbers=1)


def idle(template: Mapping[str, Any]) -> str:
    """Return what a deployed environment holds, and what AWS bills of it."""
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    rows = [[words, str(kinds.count(kind)), billed] for kind, words, billed in IDLE]
    calls = sum(24 * 60 // minutes for minutes in _schedules(template))
    rows.append(["calls by schedule", f"{calls} a day", "Lambda requests and GB-seconds; the requests that they make"])
    return table(["", "in `dev`", "billed"], rows)


def metrics(template: Mapping[str, Any]) -> str:
    """Return how many custom metrics there are for each reward and each run."""
    plain = len(MetricName) - len(JUDGES)
    rewards = len(PlanFacts.from_json(definition(template)["States"]["Plan"]["Parameters"]).resources.rewards)
    counts = (plain, len(MetricName))
    rows = [
        [", ".join(f"`{name}`" for name in names), whose, *map(str, counts)]
        for names, whose in zip(DIMENSION_SETS, ("each reward in use", "each run"), strict=True)
    ]
    month = f"all of `dev`, a month in which {RUNS} runs used its {rewards} rewards"
    rows.append([month, "", *(str((rewards + RUNS) * each) for each in counts)])
    return table(["dimensions", "once for", "metrics at most", "with judges"], rows, numbers=2)


def transitions(template: Mapping[str, Any]) -> str:
    """Return the state transitions of a run, and those of the example for jobs of some hours."""
    machine = definition(template)
    states, facts = machine["States"], PlanFacts.from_json(machine["States"]["Plan"]["Parameters"])
    way = list(_way(states, machine["StartAt"]))
    maps = [states[name]["ItemProcessor"] for name in way if "ItemProcessor" in states[name]]
    loops = [name for name in way if states[name]["Type"] == "Choice" and _turn(states, name)]
    (turn,) = {_turn(states, name) for name in loops}
    (child,) = {len(list(_way(item["States"], item["StartAt"]))) for item in maps}
    recipe = read_recipe(RECIPE)
    shards = _shards(recipe, facts.settings.rows_per_shard)
    rows = [
        ["states of a run that is promoted, each wait looked at once", f"{len(way)}"],
        [f"each further look at the job, the deployment or the promotion ({len(loops)} waits)", f"{turn}"],
        ["each shard that Probe or Evaluate draws", f"{child}"],
    ]
    for hours in HOURS:
        looks = polling_events(facts.settings, hours) // EVENTS_PER_POLL
        sum_ = len(way) + turn * (looks - 1) + child * shards
        rows.append([f"the example with {shards} shards and a job of {hours} h, looked at {looks} times", f"{sum_:,}"])
    return table(["", "state transitions"], rows, numbers=1)


def definition(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of the workflow, references spelled as text."""
    machines = [r for r in template["Resources"].values() if r["Type"] == "AWS::StepFunctions::StateMachine"]
    found = [json.loads(flat(machine["Properties"]["DefinitionString"])) for machine in machines]
    (workflow,) = [one for one in found if "Plan" in one["States"]]
    return dict(workflow)


def _way(states: Mapping[str, Any], start: str) -> Iterator[str]:
    """Yield the states that are passed when every choice takes its first branch: what was hoped for is there."""
    name: str | None = start
    while name is not None:
        yield name
        state = states[name]
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state.get("Next")


def _turn(states: Mapping[str, Any], choice: str) -> int:
    """Return how many states lie between a choice and itself when it takes its default; 0: it is not met again."""
    way: list[str] = []
    for name in _way(states, states[choice]["Default"]):
        way.append(name)
        if name == choice:
            return len(way)
    return 0


def _shards(recipe: Recipe, rows_per_shard: int) -> int:
    """Return how many shards the example's Probe and Evaluate have; the line has no live release yet."""
    rows = {split: (RECIPE.parent / place).read_bytes().splitlines() for split, place in recipe.datasets.items()}
    samples = samples_of(recipe)
    probed = shards_of(
        [1] * min(recipe.probe.prompts, len(rows["train"])),
        data="probe",
        subjects=[BASE],
        rows_per_shard=probe._rows_per_shard(rows_per_shard, samples),
        samples=samples,
        temperature=recipe.probe.temperature,
        greedy=False,
    )
    evaluated = shards_of(
        [1] * len(rows["held_out"]),
        data="held_out",
        subjects=[BASE, CANDIDATE],
        rows_per_shard=rows_per_shard,
        samples=recipe.gate.samples_per_prompt,
        temperature=recipe.gate.temperature,
    )
    return len([*probed, *evaluated])


def _schedules(template: Mapping[str, Any]) -> Sequence[int]:
    """Return the minutes between two calls of each rule with a schedule."""
    rules = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Events::Rule"]
    texts = [rule["ScheduleExpression"] for rule in rules if "ScheduleExpression" in rule]
    return [int(text.removeprefix("rate(").removesuffix(" minutes)")) for text in texts]
