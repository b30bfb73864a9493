"""Conditions by which policies tell what an environment made in Bedrock.

The Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock", lists
`aws:RequestTag` for CreateModelCustomizationJob, CreateCustomModelDeployment and TagResource, and `aws:ResourceTag` for
the resource types `model-customization-job`, `custom-model` and `custom-model-deployment`. What changes or calls such a
resource is confined by them. What looks at one is not: a run must see whose a job or deployment is that has its name.
"""

from rft_contract.tags import ENVIRONMENT_TAG

Conditions = dict[str, dict[str, str]]


def creates_as(environment: str, **more: str) -> Conditions:
    """Return the condition that a request tags what it makes as an environment's.

    What exists already is not made one's own by tagging it: where a resource carries such a tag, it must be the same.
    A new resource carries none. One that nobody tagged so cannot be told from a new one.

    Args:
        environment: Its name.
        **more: Further tags, each by its name after `rft:`.
    """
    made = _equal("StringEquals", "aws:RequestTag", environment, more)
    return made | _equal("StringEqualsIfExists", "aws:ResourceTag", environment, more)


def belongs_to(environment: str, **more: str) -> Conditions:
    """Return the condition that a resource is tagged as an environment's.

    Args:
        environment: Its name.
        **more: Further tags, each by its name after `rft:`.
    """
    return _equal("StringEquals", "aws:ResourceTag", environment, more)


def _equal(operator: str, key: str, environment: str, more: dict[str, str]) -> Conditions:
    tags = {ENVIRONMENT_TAG: environment} | {f"rft:{name}": value for name, value in more.items()}
    return {operator: {f"{key}/{name}": value for name, value in tags.items()}}
