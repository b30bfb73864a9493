"""What the page's tables of rights are about, and how each statement of it is known to be needed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from benchmarks.result import RESULTS
from benchmarks.security.calls import Call
from benchmarks.security.documented import DOCUMENTED
from benchmarks.security.documented_deployment import OF_DEPLOYMENT, REGISTRY
from benchmarks.security.documented_pipeline import OF_PIPELINE
from benchmarks.security.documented_resources import OF_PIPELINES_RESOURCES, OF_RESOURCES
from benchmarks.security.environments import as_recorded, everything_on, pipeline, synthesized
from benchmarks.security.fact import Fact
from benchmarks.security.outsiders import BEDROCK, Ground, grounds
from benchmarks.security.replay import Need, needs
from benchmarks.security.rights import Right, Template
from stacks.config import ENVIRONMENTS, choose

EVERY_FACT: Sequence[Fact] = (
    *DOCUMENTED,
    *OF_RESOURCES,
    *OF_PIPELINE,
    *OF_PIPELINES_RESOURCES,
    REGISTRY,
    *OF_DEPLOYMENT,
)
"""In the order in which the page numbers them."""


@dataclass(frozen=True)
class Subject:
    """A stack, and what its statements are needed for.

    Args:
        template: Its template.
        needs: Of the rights of its roles.
        grounds: Of the statements in the policies of its resources.
    """

    template: Template
    needs: Sequence[Need]
    grounds: Sequence[Ground]

    @property
    def facts(self) -> set[Fact]:
        """What is documented of it."""
        found = [*(need.fact for need in self.needs), *(ground.fact for ground in self.grounds)]
        return {fact for fact in found if fact}


@dataclass(frozen=True)
class Subjects:
    """All that is deployed.

    Args:
        environment: Prod with all that can be turned on, under the names of the environment whose calls are recorded.
        always: The rights that this environment has too, in which nothing is turned on.
        pipeline: The pipeline in AWS.
    """

    environment: Subject
    always: frozenset[Right]
    pipeline: Subject


def subjects() -> Subjects:
    """Synthesize what is deployed and say of each statement how it is known to be needed."""
    calls = recorded()
    (local,), (prod,) = (choose(ENVIRONMENTS, name) for name in ("local", "prod"))
    everything = synthesized(everything_on(as_recorded(prod)))
    builds = pipeline()
    return Subjects(
        environment=Subject(
            everything,
            needs(everything, calls, bedrock_roles(everything)),
            grounds(everything, calls, OF_RESOURCES),
        ),
        always=frozenset(synthesized(local).rights()),
        pipeline=Subject(
            builds,
            needs(builds, [], [], OF_PIPELINE),
            grounds(builds, [], [*OF_PIPELINES_RESOURCES, *OF_RESOURCES]),
        ),
    )


def recorded() -> list[Call]:
    """Return the calls that are kept."""
    return msgspec.convert(record("privileges")["figures"]["calls"], list[Call])


def registry() -> dict[str, list[str]]:
    """Return resource type -> the rights that its schema names, as they are kept."""
    found: dict[str, list[str]] = record("registry")["figures"]["types"]
    return found


def record(name: str) -> dict[str, Any]:
    """Return a result that is kept.

    Args:
        name: Such as `privileges`.
    """
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def bedrock_roles(template: Template) -> list[str]:
    """Return the logical ids of the roles that Bedrock assumes."""
    return [
        name
        for name, role in template.of_type("AWS::IAM::Role")
        if BEDROCK in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    ]


def number(fact: Fact) -> int:
    """Return the number of a fact on the page."""
    return EVERY_FACT.index(fact) + 1
