"""How the routing demo's settings are chosen: development tickets and development seeds only, never the held-out set.

Each candidate trains in this process, without the embedded AWS, and is scored greedily on the development set.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence

from benchmarks.result import ROOT
from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_local.trainer.adapter import Adapter
from rft_local.trainer.hyperparameters import plan_training
from rft_local.trainer.stand_in import StandIn
from rft_local.trainer.training import Rollout, Row, StepRecord, train
from rft_local.weights import default_cache, ensure_weights
from rft_rewards.grade import Score
from rft_rewards.label import label
from rft_rewards.sample import Sample

COMMAND = "python -m benchmarks routing_settings"
DATA = ROOT / "examples" / "routing"
LABELS = ("account", "billing", "delivery", "returns", "sales", "technical")
DEVELOPMENT_SEEDS = (1, 2)
CANDIDATES: tuple[dict[str, float], ...] = (
    {"learningRate": 3e-4, "epochCount": 1},
    {"learningRate": 6e-4, "epochCount": 1},
    {"learningRate": 1e-3, "epochCount": 1},
)


def _rows(split: str) -> list[Row]:
    lines = (DATA / f"{split}.jsonl").read_text().splitlines()
    return [
        Row(messages=row["messages"], payload={"label": row["reference_answer"]["label"]})
        for row in map(json.loads, lines)
    ]


def _reward(rollouts: Sequence[Rollout]) -> list[float]:
    grader = label(labels=LABELS)
    grades = [grader(Sample(rollout.completion.text, str(rollout.row.payload["label"]))) for rollout in rollouts]
    return [grade.value if isinstance(grade, Score) else 0.0 for grade in grades]


def _accuracy(stand_in: StandIn, rows: Sequence[Row], adapter: Adapter | None) -> float:
    completions = stand_in.generate(
        [row.messages for row in rows], adapter=adapter, samples=1, max_tokens=8, temperature=0.0, top_p=1.0, seed=0
    )
    rollouts = [Rollout(row, found[0], 0, "validation") for row, found in zip(rows, completions, strict=True)]
    return sum(_reward(rollouts)) / len(rows)


def measure(
    candidates: Sequence[dict[str, float]] = CANDIDATES, seeds: Sequence[int] = DEVELOPMENT_SEEDS
) -> JsonObject:
    """Train every candidate with every development seed.

    Args:
        candidates: Hyperparameters that differ from the recipe's.
        seeds: Development seeds.
    """
    stand_in = StandIn.load(ensure_weights(default_cache()))
    training, development = _rows("train"), _rows("validation")
    base = _accuracy(stand_in, development, None)
    print(f"base: {base:.1%} of {len(development)} development tickets", flush=True)
    results: list[JsonValue] = []
    for candidate in candidates:
        for seed in seeds:
            asked = {"batchSize": 16, "trainingSamplePerPrompt": 8, "inferenceMaxTokens": 8, **candidate}
            hyperparameters = Hyperparameters.from_json(dict(asked)).to_json()
            plan, _ = plan_training(hyperparameters, rows=len(training), budget_seconds=None)
            steps: list[StepRecord] = []
            started, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
            adapter = train(
                stand_in,
                training,
                [],
                plan,
                reward=_reward,
                seed=seed,
                on_step=steps.append,
                should_stop=lambda: False,
            )
            used = resource.getrusage(resource.RUSAGE_SELF)
            result: JsonObject = {
                "hyperparameters": hyperparameters,
                "seed": seed,
                "development_accuracy": round(_accuracy(stand_in, development, adapter), 4),
                "steps": len(steps),
                "last_rewards": [round(step.reward, 3) for step in steps[-5:]],
                "mixed_groups": [round(step.mixed_groups, 2) for step in steps[::5]],
                "wall_seconds": round(time.monotonic() - started, 1),
                "cpu_seconds": round(used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime, 1),
            }
            print(json.dumps(result), flush=True)
            results.append(result)
    return {"base_development_accuracy": base, "candidates": results}


def main() -> None:
    """Run one candidate: `python -m benchmarks.routing_settings --set learningRate=6e-4 --seed 1`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter")
    parser.add_argument("--seed", type=int, action="append", help="a development seed")
    arguments = parser.parse_args()
    pairs = [item.split("=", 1) for item in arguments.set]
    candidate = {name: json.loads(value) for name, value in pairs}
    measure([candidate] if candidate else CANDIDATES, arguments.seed or DEVELOPMENT_SEEDS)


if __name__ == "__main__":
    main()
