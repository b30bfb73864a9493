"""The rest of AWS, as the service reaches it: who may do what, sessions of the passed role, the event bus.

The service never uses its own rights on the caller's data: what belongs to a job is read, written and invoked with
credentials of the role that was passed, so that the emulator's IAM decides.
"""

import functools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypedDict

import boto3
import msgspec
from botocore.config import Config

from rft_contract.json_value import JsonObject
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client

SERVICE_PRINCIPAL = "bedrock.amazonaws.com"

_SESSION_SECONDS = 1800.0
_LAMBDA_SECONDS = 900

_CLIENTS_ARE_MADE = threading.Lock()
"""Held while a client is made: a boto3 session is not safe for that in several threads."""


class AccessRefused(Exception):
    """The role cannot be assumed; the message says why."""


class Decision(msgspec.Struct, frozen=True):
    """Whether a principal may do something, and the reason."""

    allowed: bool
    reason: str


class _Keys(msgspec.Struct, frozen=True):
    """Credentials of an AWS session."""

    access_key_id: str
    secret_access_key: str
    session_token: str


_ADMINISTRATOR = _Keys("test", "test", "")
"""The emulator's account root: the service's own hands."""


class _Refusal(msgspec.Struct, frozen=True):
    """The body of a refused internal request."""

    reason: str = "no reason given"


class _ClientArguments(TypedDict):
    """What every client of the emulator is made with."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str | None
    config: Config


class _Clients:
    """Clients of one session of a role, made when they are first used.

    Args:
        arguments: What they are made with.
    """

    def __init__(self, arguments: _ClientArguments) -> None:
        self._arguments = arguments
        self.opened = time.monotonic()

    @functools.cached_property
    def s3(self) -> "S3Client":
        """S3 as the role."""
        with _CLIENTS_ARE_MADE:
            return _session().client("s3", **self._arguments)

    @functools.cached_property
    def functions(self) -> "LambdaClient":
        """Lambda as the role."""
        with _CLIENTS_ARE_MADE:
            return _session().client("lambda", **self._arguments)


class RoleSession:
    """A passed role at work; its credentials are renewed before they grow old.

    Args:
        assume: Opens a new session.
    """

    def __init__(self, assume: Callable[[], _Clients]) -> None:
        self._assume = assume
        self._lock = threading.Lock()
        self._clients = assume()

    @property
    def s3(self) -> "S3Client":
        """S3 as the role."""
        return self._fresh().s3

    @property
    def functions(self) -> "LambdaClient":
        """Lambda as the role."""
        return self._fresh().functions

    def _fresh(self) -> _Clients:
        with self._lock:
            if time.monotonic() - self._clients.opened > _SESSION_SECONDS:
                self._clients = self._assume()
            return self._clients


class EmulatorClient:
    """The emulator, for the service behind it.

    Args:
        url: The emulator's base URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def decide(self, principal_arn: str, action: str, resource: str, context: Mapping[str, str]) -> Decision:
        """Ask IAM whether a principal may do something.

        Args:
            principal_arn: Role, assumed role, user or root.
            action: Such as `iam:PassRole`.
            resource: ARN.
            context: Condition keys of the call.
        """
        question: JsonObject = {
            "principal_arn": principal_arn,
            "action": action,
            "resource": resource,
            "context": dict(context),
        }
        return msgspec.json.decode(self._post("simulate", question), type=Decision)

    def session(self, role_arn: str, source_arn: str) -> RoleSession:
        """Assume a role as the Bedrock service does for one of its resources.

        Args:
            role_arn: The passed role.
            source_arn: On whose behalf: the value of `aws:SourceArn`.

        Raises:
            AccessRefused: When the role's trust policy does not allow it.
        """
        return RoleSession(functools.partial(self._assume, role_arn, source_arn))

    def delete_object(self, bucket: str, key: str) -> None:
        """Delete an object with the service's own rights."""
        self._s3.delete_object(Bucket=bucket, Key=key)

    def publish(self, detail_type: str, resource: str, detail: JsonObject) -> None:
        """Put an event of source `aws.bedrock` on the default bus; PutEvents itself refuses sources of AWS.

        Raises:
            OSError: When the emulator does not take it.
        """
        entry: JsonObject = {
            "Source": "aws.bedrock",
            "DetailType": detail_type,
            "Resources": [resource],
            "Detail": msgspec.json.encode(detail).decode(),
        }
        self._post("service-event", entry)

    @functools.cached_property
    def _s3(self) -> "S3Client":
        return _Clients(self._common(_ADMINISTRATOR)).s3

    def _assume(self, role_arn: str, source_arn: str) -> _Clients:
        question: JsonObject = {
            "role_arn": role_arn,
            "service": SERVICE_PRINCIPAL,
            "source_arn": source_arn,
            "source_account": ACCOUNT,
        }
        try:
            keys = msgspec.json.decode(self._post("service-session", question), type=_Keys)
        except urllib.error.HTTPError as error:
            if error.code != 403:
                raise
            raise AccessRefused(msgspec.json.decode(error.read(), type=_Refusal).reason) from None
        return _Clients(self._common(keys))

    def _common(self, keys: _Keys) -> _ClientArguments:
        return _ClientArguments(
            endpoint_url=self._url,
            region_name=REGION,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token or None,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=_LAMBDA_SECONDS,
                max_pool_connections=32,
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    def _post(self, name: str, body: JsonObject) -> bytes:
        request = urllib.request.Request(
            f"{self._url}/_rft/{name}",
            data=msgspec.json.encode(body),
            headers={"content-type": "application/json"},
            method="POST",
        )
        with self._open(request, timeout=30) as answer:
            return bytes(answer.read())


@functools.cache
def _session() -> boto3.Session:
    """Return the one session of the process: it keeps the service models, which take long to read."""
    return boto3.Session()
