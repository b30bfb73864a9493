"""What judges were asked, counted where the answers arrive."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(slots=True)
class JudgeUsage:
    """What a judge was asked since it was made.

    Args:
        requests: Requests that were answered.
        tokens_in: Tokens that were read.
        tokens_out: Tokens that were written.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def since(self, before: "JudgeUsage") -> "JudgeUsage":
        """Return what was asked after an earlier moment."""
        return JudgeUsage(
            requests=self.requests - before.requests,
            tokens_in=self.tokens_in - before.tokens_in,
            tokens_out=self.tokens_out - before.tokens_out,
        )


def judge_usage(services: Mapping[str, object]) -> JudgeUsage:
    """Return what a function's judge was asked up to now; nothing where it has none.

    Args:
        services: What `make_services` made.
    """
    usage = getattr(services.get("judge"), "usage", None)
    return replace(usage) if isinstance(usage, JudgeUsage) else JudgeUsage()
