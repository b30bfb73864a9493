"""Where a handler runs: its environment, bucket and clients."""

import os
from dataclasses import dataclass
from functools import cache

from rft_contract.settings import FunctionEnvironment
from rft_runtime.clients import Clients
from rft_runtime.data_bucket import DataBucket
from rft_runtime.places import PlaceStore
from rft_runtime.run_record import RunStore


@dataclass(frozen=True)
class Platform:
    """One environment, seen from inside.

    Args:
        environment: Its name.
        bucket_name: Its data bucket.
        clients: AWS clients.
        signing_key: ARN of the key that signs releases; None: releases are not signed here.
    """

    environment: str
    bucket_name: str
    clients: Clients
    signing_key: str | None = None

    @property
    def bucket(self) -> DataBucket:
        """The data bucket."""
        return DataBucket(self.clients.s3, self.bucket_name)

    @property
    def runs(self) -> RunStore:
        """The records of the runs."""
        return RunStore(self.bucket)

    @property
    def places(self) -> PlaceStore:
        """The places that runs take."""
        return PlaceStore(self.bucket, self.runs)

    @property
    def region(self) -> str:
        """The AWS Region."""
        return self.clients.bedrock.meta.region_name


@cache
def here() -> Platform:
    """Return the platform that this process's environment variables name.

    Raises:
        KeyError: When a variable is not set.
    """
    variables = FunctionEnvironment.from_variables(os.environ)
    return Platform(
        environment=variables.environment,
        bucket_name=variables.bucket,
        clients=Clients(),
        signing_key=variables.signing_key,
    )
