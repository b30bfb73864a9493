"""What a reward needs beside its grader's own module, told from its spec alone: graders and services."""

from collections.abc import Iterator, Mapping

from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec

SERVICE_MODULES: Mapping[str, str] = {
    "runner": "rft_runtime.code_runner",
    "judge": "rft_runtime.bedrock_judge",
}
"""Service that calls AWS -> the module that makes it; a reward that needs it needs boto3 too."""


def graders_of(spec: RewardSpec) -> tuple[str, ...]:
    """Return the graders that a reward is made of, each once: its own, and those that its options name.

    A grader that makes others (its entry has the service `build`) names each in a mapping with the key `grader`.

    Args:
        spec: The reward.

    Raises:
        ValueError: When there is no grader of such a name.
    """
    try:
        return tuple(dict.fromkeys(grader for grader, _ in _named(spec.grader, spec.options)))
    except ValueError as error:
        raise ValueError(f"reward {spec.name}: {error}") from None


def services_of(spec: RewardSpec) -> frozenset[str]:
    """Return the services that a reward's graders need.

    Args:
        spec: The reward.

    Raises:
        ValueError: When it names a grader that there is not.
    """
    return frozenset(service for grader in graders_of(spec) for service in GRADERS[grader].services)


def judge_models_of(spec: RewardSpec) -> tuple[str, ...]:
    """Return the ids of the models that a reward's judges are, each once.

    Args:
        spec: The reward.

    Raises:
        ValueError: When it names a grader that there is not.
    """
    parts = _named(spec.grader, spec.options)
    asked = (options.get("model") for grader, options in parts if "judge" in GRADERS[grader].services)
    return tuple(dict.fromkeys(model for model in asked if isinstance(model, str)))


def parts_of(spec: RewardSpec, *, service: str) -> tuple[tuple[str, JsonObject], ...]:
    """Return the graders of a reward that need a service, with their options; one that is named twice comes twice.

    Args:
        spec: The reward.
        service: Such as `judge`.

    Raises:
        ValueError: When it names a grader that there is not.
    """
    parts = _named(spec.grader, spec.options)
    return tuple((grader, options) for grader, options in parts if service in GRADERS[grader].services)


def _named(grader: str, options: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yield a grader with its options, and those in its options with theirs."""
    if grader not in GRADERS:
        raise ValueError(f"got the grader {grader!r}, wanted one of {', '.join(GRADERS)}")
    yield grader, options
    if "build" in GRADERS[grader].services:
        yield from _within(options)


def _within(value: JsonValue) -> Iterator[tuple[str, JsonObject]]:
    """Yield the graders that a value of options names, with their options."""
    match value:
        case {"grader": str(grader), "options": dict(options)}:
            yield from _named(grader, options)
        case {"grader": str(grader)}:
            yield from _named(grader, {})
        case dict():
            for inner in value.values():
                yield from _within(inner)
        case list():
            for inner in value:
                yield from _within(inner)
