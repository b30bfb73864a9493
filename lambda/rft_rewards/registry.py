"""The built-in graders by name."""

import inspect
from collections.abc import Callable, Mapping

from rft_contract.reward_spec import RewardSpec
from rft_rewards.grade import Grader
from rft_rewards.json_fields import json_fields
from rft_rewards.label import label
from rft_rewards.math import math

GRADERS: Mapping[str, Callable[..., Grader]] = {"math": math, "label": label, "json_fields": json_fields}
"""Grader name -> the factory that takes its options."""


def build(spec: RewardSpec) -> Grader:
    """Return the grader that a reward is made of.

    Args:
        spec: The reward's name, grader and options.

    Raises:
        ValueError: One line, when the grader or an option is unknown, missing or illegal.
    """
    factory = GRADERS.get(spec.grader)
    if factory is None:
        raise ValueError(f"reward {spec.name}: no grader {spec.grader!r}; there are {', '.join(GRADERS)}")
    if not isinstance(spec.options, dict):
        raise ValueError(f"reward {spec.name}: options: got {spec.options!r}, wanted a mapping")
    parameters = inspect.signature(factory).parameters
    for option in spec.options:
        if option not in parameters:
            raise ValueError(
                f"reward {spec.name}: grader {spec.grader} has no option {option!r}; it has {', '.join(parameters)}"
            )
    for option, parameter in parameters.items():
        if parameter.default is parameter.empty and option not in spec.options:
            raise ValueError(f"reward {spec.name}: grader {spec.grader} needs the option {option!r}")
    try:
        return factory(**spec.options)
    except ValueError as error:
        raise ValueError(f"reward {spec.name}: {error}") from None
