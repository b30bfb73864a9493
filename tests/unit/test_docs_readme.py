"""README.md tells what was measured."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_committed_measurement() -> None:
    found = json.loads((ROOT / "benchmarks" / "results" / "demo.json").read_text(encoding="utf-8"))["figures"]["runs"]
    (base,) = {f"{100 * run['base']['accuracy']:.0f}" for run in found}
    gained = [run["candidate"]["accuracy"] for run in found]
    words = f"rose from {base} % to between {100 * min(gained):.0f} and {100 * max(gained):.0f} %"
    assert words in " ".join(README.split())
    assert f"on {found[0]['held_out_prompts']} unseen tickets" in README
