"""How errors of AWS calls reach the workflow: as a named ending, or as something worth a retry."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from rft_contract.outcomes import RunEnded, RunFailed, Transient

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TRANSIENT_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerException",
        "InternalError",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_LONGEST = 500


def error_code(error: ClientError) -> str:
    """Return the service's code of an error, such as `ConflictException`."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def is_transient(error: Exception) -> bool:
    """Say whether the same call may succeed later: throttled, unavailable, no answer at all, or one that broke off."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in _TRANSIENT_CODES or status >= 500 or status == 429
    # botocore lets some of urllib3's errors through while a body is read.
    return isinstance(error, (HTTPClientError, ConnectionError, IncompleteReadError, HTTPError, Transient))


def one_line(text: str) -> str:
    """Return the text on one line of at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def explain(error: Exception) -> str:
    """Return one line about an error: our own words as they are, else what failed by name."""
    if isinstance(error, (RunEnded, Transient)):
        return one_line(str(error))
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return one_line(f"{error.operation_name}: {error_code(error)}: {message}")
    return one_line(f"{type(error).__name__}: {error}")


def named_failures(handler: Callable[_P, _T]) -> Callable[_P, _T]:
    """Wrap a handler so that errors of AWS calls leave it as `Transient` or `RunFailed`.

    Step Functions matches Retry and Catch by the exception's class name, and botocore's classes are made at run time.
    """

    @wraps(handler)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return handler(*args, **kwargs)
        except (ClientError, BotoCoreError, HTTPError) as error:
            if is_transient(error):
                raise Transient(explain(error)) from error
            raise RunFailed(explain(error)) from error

    return wrapped
