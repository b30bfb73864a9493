"""What AWS says about a right, and where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

AWS = "https://docs.aws.amazon.com"
AUTHORIZATION = f"{AWS}/service-authorization/latest/reference"
BEDROCK = f"{AWS}/bedrock/latest/userguide"
EVENTS = f"{AWS}/eventbridge/latest/userguide"
IAM = f"{AWS}/IAM/latest/UserGuide"
LAMBDA = f"{AWS}/lambda/latest/dg"
S3 = f"{AWS}/AmazonS3/latest"
STATES = f"{AWS}/step-functions/latest/dg"


@dataclass(frozen=True)
class Fact:
    """What an AWS page says about some rights.

    Args:
        actions: Which actions.
        says: The fact, in our words.
        page: Address of the page.
        about: Pattern of what it is about: labels of roles, and for policies of resources `TYPE PRINCIPAL`.
        effect: `Allow` or `Deny`.
        under: Pattern of the conditions that it is about, as JSON; empty where there is none.
    """

    actions: tuple[str, ...]
    says: str
    page: str
    about: str = ".*"
    effect: str = "Allow"
    under: str = ".*"


def first(facts: Iterable[Fact], effect: str, actions: Iterable[str], about: str, condition: str = "") -> Fact | None:
    """Return the first fact about something, or None.

    Args:
        facts: Those to look among.
        effect: `Allow` or `Deny`.
        actions: All of which the fact must be about.
        about: Label of a role; for the policy of a resource its type and the principal.
        condition: As JSON; empty without one.
    """
    wanted = set(actions)
    for fact in facts:
        is_of = fact.effect == effect and wanted <= set(fact.actions)
        if is_of and re.fullmatch(fact.about, about) and re.fullmatch(fact.under, condition):
            return fact
    return None
