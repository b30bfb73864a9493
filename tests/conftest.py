"""Settings of the whole suite."""

import functools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from aws_cdk import App
    from aws_cdk.assertions import Template

ROOT = Path(__file__).resolve().parents[1]

# The same examples on every machine and every run, and no failures because a machine is busy.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

# Checked by every `cdk synth`; here it would cost each test process some seconds and 400 MB.
os.environ.setdefault("CDK_VALIDATION", "false")
# jsii's banner about the machine's Node says nothing about a test.
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")


def pytest_configure() -> None:
    """Refuse to start when a source root became a package: collection itself would die of it, far from the cause."""
    for name in ("constructs", "lambda", "local", "cli"):
        intruder = ROOT / name / "__init__.py"
        if intruder.exists():
            raise pytest.UsageError(f"delete {intruder}: {name}/ is a source root; see {name}/README.md")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what deploys: `make test` runs files side by side, and these take the longest."""
    items.sort(key=lambda item: ROOT / "tests" / "embedded" not in item.path.parents)


@dataclass(frozen=True)
class Platform:
    """One environment's stack, synthesized once for all tests of a process."""

    app: "App"
    template: "Template"

    @property
    def resources(self) -> dict[str, Any]:
        """Logical id -> resource."""
        resources: dict[str, Any] = self.template.to_json()["Resources"]
        return resources

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the resources of a CloudFormation type by logical id."""
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}


@functools.cache
def feature_flags() -> dict[str, Any]:
    """Return the app's committed context."""
    flags: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return flags


@functools.cache
def _platform(environment: str) -> Platform:
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.config import ENVIRONMENTS, choose
    from stacks.stage import RftStage

    app = App(context=feature_flags(), analytics_reporting=False)
    (config,) = choose(ENVIRONMENTS, environment)
    return Platform(app, Template.from_stack(RftStage(app, config=config).platform))


@pytest.fixture(scope="session")
def platform() -> Callable[[str], Platform]:
    """Return the synthesized stack of an environment."""
    return _platform


@pytest.fixture(scope="session", autouse=True)
def project_folder() -> Iterator[None]:
    """Run in the project's folder, as the app does: assets are cached below it."""
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)
