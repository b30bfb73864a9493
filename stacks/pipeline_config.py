"""The pipeline in AWS, for those who promote without GitHub Actions: data."""

import re
from dataclasses import dataclass

PIPELINE_STACK = "Pipeline"
"""Name of the pipeline's stack, with which the names of its builds' roles begin."""

_CONNECTION = re.compile(r"arn:[a-z-]+:code(connections|star-connections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]+")


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """One pipeline, in an account that every environment's bootstrap trusts.

    Args:
        account: Where the pipeline runs, twelve digits.
        region: Its Region.
        connection_arn: The connection to the source, made and authorized in the console (Developer Tools, Connections).
        repository: `owner/name` of the source.
        branch: What is deployed.
        environments: Their names, in the order of promotion.
        lines: The model lines that are promoted; their recipes are `recipes/<line>.yaml`.

    Raises:
        ValueError: When a value cannot work.
    """

    account: str
    connection_arn: str
    repository: str
    region: str = "us-east-1"
    branch: str = "main"
    environments: tuple[str, ...] = ("dev", "staging", "prod")
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        wanted = (
            ("account", re.compile(r"\d{12}"), "12 digits"),
            ("connection_arn", _CONNECTION, "the ARN of a connection"),
            ("repository", re.compile(r"[\w.-]+/[\w.-]+"), "owner/name"),
        )
        for name, pattern, form in wanted:
            value = getattr(self, name)
            if not pattern.fullmatch(value):
                raise ValueError(f"pipeline: {name}: got {value!r}, wanted {form}")
        if not self.lines:
            raise ValueError("pipeline: lines: got none, wanted at least one")


PIPELINE = PipelineConfig(
    account="444444444444",
    connection_arn="arn:aws:codeconnections:us-east-1:444444444444:connection/00000000-0000-0000-0000-000000000000",
    repository="example/models",
    lines=("routing-nova",),
)
"""The pipeline of `-c pipeline=true`. Replace the example by yours."""
