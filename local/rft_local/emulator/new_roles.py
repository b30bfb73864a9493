"""How long a new role is unknown to the services that it is passed to.

Undocumented: IAM is eventually consistent (IAM User Guide, "Troubleshoot IAM", "Changes that I make are not always
immediately visible"), but not when Bedrock sees a role.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rft_local.emulator.undocumented import NewRole

NEW = timedelta(minutes=1)


class NewRoles:
    """Which roles a service was asked to assume, each known at once until something else is chosen."""

    def __init__(self) -> None:
        self._choice = NewRole.KNOWN
        self._asked: set[str] = set()

    def choose(self, choice: NewRole) -> None:
        """Let new roles be known at once, or late."""
        self._choice = choice

    def is_known(self, role_id: str, created: datetime) -> bool:
        """Whether a service knows a role by now; the question itself makes it known.

        Args:
            role_id: The role's unique id, which a later role of the same name does not have.
            created: When it was made.
        """
        asked = role_id in self._asked
        self._asked.add(role_id)
        return asked or self._choice is NewRole.KNOWN or datetime.now(UTC) - created > NEW


NEW_ROLES = NewRoles()
"""Those of this process."""
