"""What is live on a model line, and the change of it that is under way."""

from datetime import datetime
from enum import StrEnum
from itertools import groupby

import msgspec

from rft_runtime.releases.envelope import Envelope
from rft_runtime.run_record import LiveRelease


class ChangeKind(StrEnum):
    """Why a line's deployment is being changed."""

    PROMOTION = "PROMOTION"
    ROLLBACK = "ROLLBACK"
    RESTORE = "RESTORE"
    """A promotion or rollback came to nothing: what is live is put back."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of what is live, from its claim to its end. A line has at most one at a time.

    Args:
        kind: Why.
        id: Who made it: the run's id, or the token of a rollback.
        since: When it was claimed, UTC.
        release: The release that shall be live; None: none, for a first promotion that is taken back.
        model_arn: Its model.
        reason: In the words of whoever made it.
        asked: Whether Bedrock was asked for it, so that a failed update is this change's own.
        switched: Whether the release is live: the rest only tells of it.
        envelope: The signed statement about a promotion's release, made before anything is put in place and published
            once it is committed.
    """

    kind: ChangeKind
    id: str
    since: datetime
    release: int | None
    model_arn: str | None
    reason: str = ""
    asked: bool = False
    switched: bool = False
    envelope: Envelope | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """When a release went live, and why.

    Args:
        release: Its number.
        since: UTC.
        kind: Promotion or rollback.
        id: The run's id, or the token of the rollback.
        reason: In the words of whoever did it.
    """

    release: int
    since: datetime
    kind: ChangeKind
    id: str
    reason: str = ""


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """What is live on a model line: `releases/<line>/current.json`.

    Args:
        line: The model line.
        environment: The environment.
        release: The live release; None: there is none yet.
        model_arn: Its model.
        deployment_arn: The line's deployment.
        manifest_sha256: Of the release's manifest.
        newest: The highest number that was given to a release.
        change: What is under way; None: nothing.
        history: Every release that went live, in order; the last one is live.
        schema: Version of this format.
    """

    line: str
    environment: str
    release: int | None = None
    model_arn: str | None = None
    deployment_arn: str | None = None
    manifest_sha256: str | None = None
    newest: int = 0
    change: Change | None = None
    history: list[Turn] = []
    schema: int = 1

    @property
    def live(self) -> LiveRelease | None:
        """What a candidate is compared with; None: there is nothing yet."""
        if self.release is None or self.model_arn is None or self.deployment_arn is None:
            return None
        return LiveRelease(
            release=self.release,
            model_arn=self.model_arn,
            deployment_arn=self.deployment_arn,
            turns=sum(1 for _ in groupby(turn.release for turn in self.history)),
        )
