"""Making the grader that a reward names."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType

from rft_contract.graders import GRADERS
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_rewards.grade import AnyGrader

NO_SERVICES: Mapping[str, object] = MappingProxyType({})


def build(spec: RewardSpec, services: Mapping[str, object] = NO_SERVICES) -> AnyGrader:
    """Return the grader that a reward is made of.

    Args:
        spec: The reward's name, grader and options.
        services: What some graders need besides, by the names of `rft_contract.graders`; `build` comes from here.

    Raises:
        ValueError: One line, when the grader or an option is unknown, missing or illegal, or a service is missing.
    """
    try:
        return build_grader(spec.grader, spec.options, services)
    except ValueError as error:
        raise ValueError(f"reward {spec.name}: {error}") from None


def build_grader(name: str, options: JsonValue, services: Mapping[str, object] = NO_SERVICES) -> AnyGrader:
    """Return a grader by its name.

    Args:
        name: One of `rft_contract.graders.GRADERS`.
        options: Its keyword options, a mapping.
        services: As in `build`.

    Raises:
        ValueError: One line, as in `build`.
    """
    entry = GRADERS.get(name)
    if entry is None:
        raise ValueError(f"no grader {name!r}; there are {', '.join(GRADERS)}")
    if not isinstance(options, dict):
        raise ValueError(f"options: got {options!r}, wanted a mapping")

    def build_other(other: str, its_options: JsonObject) -> AnyGrader:
        return build_grader(other, its_options, services)

    factory: Callable[..., AnyGrader] = getattr(import_module(f"rft_rewards.{entry.module}"), name)
    offered = {**services, "build": build_other}
    missing = [service for service in entry.services if service not in offered]
    if missing:
        raise ValueError(f"grader {name} needs {', '.join(missing)}, which this caller does not offer")
    _check_names(name, factory, options, entry.services)
    return factory(**options, **{service: offered[service] for service in entry.services})


def _check_names(name: str, factory: Callable[..., AnyGrader], options: JsonObject, services: tuple[str, ...]) -> None:
    """Refuse options that a grader does not have, and the lack of one that it needs."""
    parameters = {
        option: parameter
        for option, parameter in inspect.signature(factory).parameters.items()
        if option not in services
    }
    for option in options:
        if option not in parameters:
            raise ValueError(f"grader {name} has no option {option!r}; it has {', '.join(parameters) or 'none'}")
    for option, parameter in parameters.items():
        if parameter.default is parameter.empty and option not in options:
            raise ValueError(f"grader {name} needs the option {option!r}")
