"""A reward as its author writes it: the mapping in `reward.yaml`."""

import math

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec

YAML_NAME = "reward.yaml"
"""Name of the file in a reward's folder."""

_KEYS = ("name", "range", "grader", "options", "graders", "steps")


def read_reward(value: JsonValue) -> RewardSpec:
    """Read a reward's mapping.

    It is, as YAML:

        name: gsm8k
        range: [0, 1]        # floor and ceiling: what a wrong and a perfect completion get
        grader: math         # one grader, with its options,
        options: {}
        graders: {...}       # or several: see the grader `compose`, whose options `graders` and `steps` these are
        steps: 10

    Args:
        value: What the file holds.

    Raises:
        ValueError: One line that names the key, what it holds and what was wanted.
    """
    if not isinstance(value, dict):
        raise ValueError(f"got {type(value).__name__}, wanted a mapping with name, range, and grader or graders")
    if unknown := [key for key in value if key not in _KEYS]:
        raise ValueError(f"got the key {unknown[0]!r}, wanted one of {', '.join(_KEYS)}")
    name = value.get("name")
    if not isinstance(name, str):
        raise ValueError(f"name: got {name!r}, wanted the name that recipes use")
    floor, ceiling = _range(value)
    grader, options = _grader(value)
    return RewardSpec(name=name, grader=grader, options=options, floor=floor, ceiling=ceiling)


def _range(value: JsonObject) -> tuple[float, float]:
    """Return floor and ceiling."""
    match value.get("range"):
        case [int() | float() as floor, int() | float() as ceiling] if (
            not isinstance(floor, bool)
            and not isinstance(ceiling, bool)
            and math.isfinite(floor)
            and math.isfinite(ceiling)
        ):
            return float(floor), float(ceiling)
    raise ValueError(f"range: got {value.get('range')!r}, wanted [floor, ceiling], such as [0, 1]")


def _grader(value: JsonObject) -> tuple[str, JsonObject]:
    """Return the grader's name and options."""
    if ("grader" in value) == ("graders" in value):
        raise ValueError("wanted either grader, the name of one, or graders, a mapping of several")
    if "graders" in value:
        if "options" in value:
            raise ValueError("options: each of the graders has its own")
        return "compose", {key: value[key] for key in ("graders", "steps") if key in value}
    grader, options = value["grader"], value.get("options", {})
    if not isinstance(grader, str) or not isinstance(options, dict) or "steps" in value:
        raise ValueError(f"grader: got {grader!r}, wanted a name, a mapping of options, and no steps")
    return grader, options
