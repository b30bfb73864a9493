"""What a grader sees of one rollout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rft_contract.json_value import JsonValue


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion with what is needed to judge it.

    Args:
        completion: The generated text, without reasoning.
        reference: The row's reference answer; None when it has none.
        prompt: The turns before the generated one, as the row has them: mappings with `role` and `content`.
        tool_calls: The generated turn's `tool_calls`, as given.
        with_reasoning: The generated text with its `<think>` blocks. None: it has none.
        metadata: The row's other fields, without `reference_answer`.
    """

    completion: str
    reference: JsonValue = None
    prompt: Sequence[JsonValue] = ()
    tool_calls: Sequence[JsonValue] = ()
    with_reasoning: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def turn(self) -> str:
        """The generated text as the model wrote it."""
        return self.completion if self.with_reasoning is None else self.with_reasoning
