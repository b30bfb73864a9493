"""Calls AWS services over HTTP as a role, with the names Step Functions uses for services, members and errors.

Source: Step Functions Developer Guide, "Learning to use AWS service SDK integrations in Step Functions": actions in
camel case, members in Pascal case, errors as `Service.CodeException`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from rft_local.emulator import environment
from rft_local.emulator.authorization import open_session
from rft_local.emulator.upstream import require

READ_TIMEOUT_SECONDS = 910
SERVICE_NAMES = {"sfn": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}


class SdkError(Exception):
    """A call was refused.

    Attributes:
        error: Name of the error as Step Functions reports it.
        cause: Its message, with service, status and request id.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class RoleClients:
    """The boto3 clients of roles, made once for each service and role.

    Args:
        url: Base URL of the emulator.
        session: Session name that appears in the caller's ARN.
    """

    def __init__(self, url: str, session: str) -> None:
        self._url = url
        self._session = session
        self._boto: Any = boto3.session.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, role_arn: str) -> Any:
        """A client of one service whose calls are signed as one role."""
        with self._lock:
            known = self._clients.get((service, role_arn))
            if known is None:
                known = self._clients[service, role_arn] = self._make(service, role_arn)
            return known

    def _make(self, service: str, role_arn: str) -> Any:
        credentials = open_session(role_arn, self._session)
        config = Config(
            retries={"max_attempts": 0},
            inject_host_prefix=False,
            read_timeout=READ_TIMEOUT_SECONDS,
            max_pool_connections=64,
        )
        return self._boto.client(
            service,
            region_name=environment.REGION,
            endpoint_url=self._url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=config,
        )

    def call(self, service: str, action: str, parameters: Mapping[str, Any], role_arn: str) -> Any:
        """Performs one action.

        Args:
            service: The service as Step Functions spells it, for example `sfn` or `s3`.
            action: The action in camel case.
            parameters: Its parameters, members in Pascal case.
            role_arn: The role that calls.

        Returns:
            The response, members in Pascal case.

        Raises:
            SdkError: When the service, an action or a parameter is unknown, or the service refuses.
        """
        client = self.client(boto_name(service), role_arn)
        operation = _operation(client, action)
        arguments = to_sdk(parameters, operation.input_shape) if operation.input_shape else {}
        try:
            response = getattr(client, xform_name(operation.name))(**arguments)
        except ClientError as error:
            raise _sdk_error(client, error) from None
        response.pop("ResponseMetadata", None)
        return from_sdk(response, operation.output_shape)


@cache
def boto_name(service: str) -> str:
    """The botocore name of a service that Step Functions spells without hyphens.

    Raises:
        SdkError: When there is no such service.
    """
    known = {name.replace("-", ""): name for name in boto3.session.Session().get_available_services()}
    name = SERVICE_NAMES.get(service) or known.get(service)
    if name is None:
        raise SdkError("States.Runtime", f"The service {service!r} is not supported by Step Functions")
    return name


def _operation(client: Any, action: str) -> OperationModel:
    """The model of an action named in camel case."""
    names = {name[:1].lower() + name[1:]: name for name in client.meta.service_model.operation_names}
    if action not in names:
        raise SdkError("States.Runtime", f"The action {action!r} of {client.meta.service_model.service_id} is unknown")
    model: OperationModel = client.meta.service_model.operation_model(names[action])
    return model


def error_prefix(service_id: str) -> str:
    """The prefix of a service's errors: the words of its id, acronyms as words ("Bedrock Runtime", "SFN")."""
    words = service_id.split()
    return "".join(word.capitalize() if word.isalpha() and word.isupper() else word for word in words)


def _sdk_error(client: Any, error: ClientError) -> SdkError:
    """The refusal under the name that Retry and Catch see."""
    details = error.response["Error"]
    code = str(details.get("Code", "Unknown"))
    code = code if code.endswith("Exception") else f"{code}Exception"
    prefix = error_prefix(client.meta.service_model.service_id)
    metadata = error.response["ResponseMetadata"]
    cause = (
        f"{details.get('Message', '')} (Service: {prefix}, Status Code: {metadata.get('HTTPStatusCode')}, "
        f"Request ID: {metadata.get('RequestId')})"
    )
    return SdkError(f"{prefix}.{code}", cause)


def pascal(member: str) -> str:
    """A member's name as Step Functions spells it: first letter upper, acronyms as words."""
    convert = require("services.stepfunctions", "_api_name_to_sfn_key")
    return str(convert(member[:1].upper() + member[1:]))


def to_sdk(value: Any, shape: Shape | None) -> Any:
    """Turns a value with Step Functions' member names into botocore's.

    Raises:
        SdkError: For a member the action does not have.
    """
    if value is None or shape is None:
        return value
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        names = {pascal(name): name for name in shape.members} | {
            name[:1].upper() + name[1:]: name for name in shape.members
        }
        for key in value:
            if key not in names:
                raise SdkError("States.Runtime", f"The field {key!r} is not supported by Step Functions")
        return {names[key]: to_sdk(item, shape.members[names[key]]) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_sdk(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: to_sdk(item, shape.value) for key, item in value.items()}
    if shape.type_name == "blob":
        return (value if isinstance(value, str) else json.dumps(value)).encode()
    return value


def from_sdk(value: Any, shape: Shape | None) -> Any:
    """Turns a botocore response into JSON with Step Functions' member names."""
    if shape is None or value is None:
        return value
    if isinstance(shape, StructureShape):
        return {pascal(name): from_sdk(item, shape.members.get(name)) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [from_sdk(item, shape.member) for item in value]
    if isinstance(shape, MapShape):
        return {key: from_sdk(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    if shape.type_name == "blob":
        data = value.read() if hasattr(value, "read") else value
        return data.decode() if isinstance(data, bytes) else data
    return value
