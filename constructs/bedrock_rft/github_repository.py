"""A repository on GitHub, as AWS knows the workflows that run in it."""

import re
from dataclasses import dataclass

_OWNER = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class GithubRepository:
    """A repository, and the subjects of the tokens that its workflows get.

    Repositories that were created, renamed or moved since 15 July 2026, and those that opted in, have their numbers in
    the subject, so that nobody who takes over a name is taken for them. Say the numbers then; `gh api
    repos/OWNER/NAME --jq '.owner.id, .id'` tells them.
    Sources: GitHub documentation, "OpenID Connect reference" (example subject claims); GitHub changelog of 2026-04-23,
    "Immutable subject claims for GitHub Actions OIDC tokens".

    Args:
        owner: User or organization.
        name: The repository's name.
        owner_id: The owner's number. None: the subject has names alone.
        repository_id: The repository's number; both or neither.

    Raises:
        ValueError: When a name cannot be one, or only one number is given.
    """

    owner: str
    name: str
    owner_id: int | None = None
    repository_id: int | None = None

    def __post_init__(self) -> None:
        for field, pattern in (("owner", _OWNER), ("name", _NAME)):
            value = getattr(self, field)
            if not pattern.fullmatch(value):
                raise ValueError(f"GitHub repository: {field}: got {value!r}, wanted {pattern.pattern}")
        if (self.owner_id is None) != (self.repository_id is None):
            raise ValueError(
                f"GitHub repository {self.slug}: owner_id, repository_id: got {self.owner_id}, {self.repository_id}, "
                "wanted both or neither"
            )

    @property
    def slug(self) -> str:
        """Owner and name, as addresses have them."""
        return f"{self.owner}/{self.name}"

    @property
    def pull_request_subject(self) -> str:
        """Subject of a job that a pull request started and that names no environment.

        A pull request from a fork has none: its jobs cannot ask for a token.
        """
        return self._subject("pull_request")

    def environment_subject(self, environment: str) -> str:
        """Return the subject of a job that names a GitHub environment, whatever started it.

        Args:
            environment: The GitHub environment's name.
        """
        return self._subject(f"environment:{environment}")

    def _subject(self, context: str) -> str:
        if self.owner_id is None:
            return f"repo:{self.slug}:{context}"
        return f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}:{context}"
