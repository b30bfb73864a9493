"""A checkout of this project in another folder, with an embedded AWS of its own."""

import json
import subprocess
from pathlib import Path

from rft_local.project import Project
from tests.conftest import ROOT


def synthesize(folder: Path) -> None:
    """Synthesize the app's local stage.

    Args:
        folder: Where the assembly will lie.
    """
    options = ("--quiet", "--no-notices", "-c", "env=local", "--output", str(folder))
    subprocess.run([str(Project(ROOT).cdk), "synth", "local/*", *options], cwd=ROOT, timeout=200, check=True)


def check_out(folder: Path, *, assembly: Path | None = None) -> Project:
    """Make a checkout that shares what it needs with this one.

    Args:
        folder: Where.
        assembly: What the app synthesizes, made before. None: it is synthesized each time.
    """
    project = Project(folder)
    for name in ("app.py", "stacks", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    use_app(project, assembly)
    models, shared = project.weights.parent, Project(ROOT).weights
    if models != shared.parent:  # RFT_MODELS names one folder for every checkout
        models.mkdir(parents=True)
        for path in (shared, shared.parent / "xla"):
            (models / path.name).symlink_to(path)
    return project


def use_app(project: Project, assembly: Path | None = None) -> None:
    """Say what the CDK command line calls to synthesize.

    Args:
        project: A checkout.
        assembly: A copy of this; None: the app.
    """
    settings = project.root / "cdk.json"
    settings.unlink(missing_ok=True)
    if assembly is None:
        settings.symlink_to(ROOT / "cdk.json")
    else:
        settings.write_text(json.dumps({"app": f'cp -r {assembly}/. "$CDK_OUTDIR"'}))
