"""The built-in graders: what constructs and the reward function must know of each, without importing it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GraderEntry:
    """A built-in grader.

    Args:
        module: Module of `rft_rewards` in which a factory of the grader's name lies.
        lock: Stem of the file in `rft_rewards/requirements/` that locks its third-party packages. None: it needs none.
        services: Keyword parameters of the factory that the caller fills in, not the reward's author: `runner` executes
            untrusted code, `judge` asks a model, `deadline` says how long an event may take, `build` makes a grader of
            another one's name and options.
    """

    module: str
    lock: str | None = None
    services: tuple[str, ...] = ()


GRADERS: Mapping[str, GraderEntry] = {
    "math": GraderEntry(module="math"),
    "math_latex": GraderEntry(module="math_latex", lock="math_latex"),
    "numeric": GraderEntry(module="numeric"),
    "code": GraderEntry(module="code", services=("runner", "deadline")),
    "label": GraderEntry(module="label"),
    "json_fields": GraderEntry(module="json_fields"),
    "json_schema": GraderEntry(module="json_schema", lock="json_schema"),
    "tool_calls": GraderEntry(module="tool_calls"),
    "text": GraderEntry(module="text", lock="text"),
    "constraints": GraderEntry(module="constraints", lock="constraints"),
    "grounded": GraderEntry(module="grounded"),
    "format": GraderEntry(module="format", lock="format"),
    "length": GraderEntry(module="length"),
    "repetition": GraderEntry(module="repetition"),
    "novelty": GraderEntry(module="novelty"),
    "judge": GraderEntry(module="judge", services=("judge",)),
    "verified_judge": GraderEntry(module="verified_judge", services=("judge", "build")),
    "compose": GraderEntry(module="compose", services=("build",)),
    "own": GraderEntry(module="own", services=("deadline",)),
}
"""Grader name -> what is known of it."""
