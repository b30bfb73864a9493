"""Rewards that need more than themselves, deployed: a code runner, a judge, their author's own Python."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_local.lifecycle import down
from rft_local.project import Project
from tests.embedded.checkout import check_out

ROOT = Path(__file__).parents[2]
PORT = 4880
APP = """
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk

from stacks.config import ENVIRONMENTS, choose
from stacks.stage import RftStage

(config,) = choose(ENVIRONMENTS, "local")
app = cdk.App(analytics_reporting=False)
RftStage(app, config=replace(config, rewards=tuple(sorted((Path(__file__).parent / "rewards").iterdir()))))
app.synth()
"""

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


def rft(project: Project, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rft_cli.main", *arguments],
        cwd=project.root,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An app of its own, with three of the examples that `rft reward new` writes."""
    project = check_out(tmp_path_factory.mktemp("checkout"))
    (project.root / "app.py").unlink()
    (project.root / "app.py").write_text(APP)
    for kind in ("code", "python", "writing"):
        made = rft(project, "reward", "new", f"my-{kind}", "--kind", kind)
        assert made.returncode == 0, made.stderr
    try:
        up = rft(project, "local", "up", "--port", str(PORT), "--set", "judge-noise=0")
        assert up.returncode == 0, up.stderr
        yield project
    finally:
        down(project)


def row(kind: str, number: int) -> dict[str, Any]:
    prompt = f"Task {number}: write a Python function `times(x)` that returns {number} times x, in a Python block."
    if kind != "code":
        return {
            "messages": [{"role": "user", "content": f"Write a very short story of 60 to 120 words, number {number}."}]
        }
    return {
        "messages": [{"role": "user", "content": prompt}],
        "reference_answer": {
            "entry_point": "times",
            "cases": [{"args": [given], "expected": given * number} for given in (0, 1, 7)],
        },
        "rft_gold": f"```python\ndef times(x):\n    return {number} * x\n```",
    }


@pytest.mark.parametrize(
    ("kind", "verdict", "code"),
    [("code", "PASSED", 0), ("python", "PASSED", 0), ("writing", "INCOMPLETE", 3)],
)
def test_what_a_reward_needs_is_deployed_with_it(project: Project, kind: str, verdict: str, code: int) -> None:
    """A judge that nobody calibrated is not certified, but it answers, and says that it is a stand-in."""
    dataset = project.root / f"{kind}.jsonl"
    dataset.write_text("".join(json.dumps(row(kind, number)) + "\n" for number in range(2, 22)))
    cases = str(project.root / "rewards" / f"my-{kind}" / "cases.json")
    done = rft(project, "certify", f"my-{kind}", "--dataset", str(dataset), "--cases", cases, "--json")
    certificate = json.loads(done.stdout)
    failed = [check for check in certificate["checks"] if check["verdict"] == "FAILED"]
    assert (certificate["verdict"], failed) == (verdict, [])
    assert done.returncode == code
    assert (certificate["stand_in"] is not None) == (kind == "writing")


@pytest.mark.parametrize("kind", ["code", "python", "writing"])
def test_the_deployed_code_grades_on_this_machine_as_well(project: Project, kind: str) -> None:
    """The runner and the judge are asked where they are deployed."""
    cases = json.loads((project.root / "rewards" / f"my-{kind}" / "cases.json").read_text())["cases"]
    case = cases[0]
    turns = case.get("messages") or [{"role": "user", "content": case["prompt"]}]
    event = [
        {
            "id": name,
            "messages": [*turns, {"role": "assistant", "content": case[name][0]}],
            "metadata": {"reference_answer": case.get("reference_answer")},
        }
        for name in ("good", "bad")
    ]
    done = rft(project, "grade", "--reward", f"my-{kind}", stdin=json.dumps(event))
    assert done.returncode == 0, done.stderr
    good, bad = json.loads(done.stdout)
    metrics = [*good["metrics_list"], *bad["metrics_list"]]
    assert [metric["value"] for metric in metrics if metric["name"] == "invalid"] == [0, 0]
    assert good["aggregate_reward_score"] > bad["aggregate_reward_score"]
