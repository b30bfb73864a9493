"""The shipped recipes' rewards pass their certificates on their own datasets."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_cli.recipe_file import read_recipe
from rft_contract.reward_spec import RewardSpec
from rft_runtime.certificate import Verdict
from rft_runtime.certification.examination import examine
from rft_runtime.certification.row import Row
from rft_runtime.certification.subject import Demands, Subject
from rft_runtime.grading import grade_batch
from stacks.config import ENVIRONMENTS, REWARDS

ROOT = Path(__file__).resolve().parents[2]
SPECS = {one.name: one for one in REWARDS if isinstance(one, RewardSpec)}
RECIPES = [read_recipe(path) for path in sorted((ROOT / "recipes").glob("*.yaml"))]
DATASETS = sorted({(recipe.reward, address) for recipe in RECIPES for _, address in recipe.datasets.items()})


def certified(spec: RewardSpec, path: Path) -> Verdict:
    """Certify a reward in this process, called as the deployed function is."""

    def rows() -> Iterator[Row]:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield Row(number, json.loads(line))

    def call(event: bytes) -> bytes:
        return json.dumps(grade_batch(spec, json.loads(event))).encode()

    found = examine(
        Subject(reward=spec.name, spec=spec, environment="test", reward_hash="a" * 64, code_sha256="b"),
        call,
        rows,
        dataset_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        demands=Demands(sample=60, event_bytes=300_000),
    )
    assert found.rows > 0
    assert not any(check.failed for check in found.checks), found.reason()
    return found.verdict


def test_the_demo_is_among_them() -> None:
    assert {reward for reward, _ in DATASETS} >= {"routing", "orders"}


@pytest.mark.parametrize(("reward", "address"), DATASETS)
def test_the_reward_is_certified_on_its_dataset(reward: str, address: str) -> None:
    assert certified(SPECS[reward], (ROOT / "recipes" / address).resolve()) is Verdict.PASSED


def test_only_where_people_try_things_out_may_a_certificate_be_incomplete() -> None:
    accepted = {config.environment for config in ENVIRONMENTS if config.settings.incomplete_certificates}
    assert accepted == {"local", "dev"}
