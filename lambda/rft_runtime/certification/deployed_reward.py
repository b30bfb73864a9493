"""A reward function as it is deployed: what it is made of, and how it is called."""

import io
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import msgspec

from rft_contract.outcomes import RunFailed, Transient
from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_contract.services import REWARD_HASH
from rft_runtime.certification.grading_calls import RewardRaised
from rft_runtime.certification.subject import Subject
from rft_runtime.patience import Patience

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

_DOWNLOAD_SECONDS = 60
_TRANSIENT_ERRORS = ("TransientFailure", "Transient")
_TRANSIENT_ATTEMPTS = 3


def deployed_subject(
    functions: "LambdaClient", function: str, qualifier: str, *, reward: str, environment: str, direct: bool = False
) -> Subject:
    """Describe one version of a reward function by its own code.

    The code says itself what it is made of (`reward.json`), so that a certificate is about what is deployed, whichever
    app deployed it. Without that file it is its author's own.

    Args:
        functions: Lambda client.
        function: Name of the function.
        qualifier: Alias or version.
        reward: Name of the reward.
        environment: Where it is deployed, when the function itself does not say so.
        direct: Whether the code is downloaded past the proxies that the environment names.

    Raises:
        RunFailed: When the code holds a `reward.json` that cannot be read.
        Transient: When the code could not be downloaded.
    """
    found = functions.get_function(FunctionName=function, Qualifier=qualifier)
    configuration = found["Configuration"]
    variables = configuration.get("Environment", {}).get("Variables", {})
    code = _download(found["Code"]["Location"], direct=direct)
    try:
        spec = _spec(code)
    except (ValueError, msgspec.DecodeError) as error:
        raise RunFailed(f"reward function {function}: {FILE_NAME}: {error}") from None
    sha256 = configuration["CodeSha256"]
    # A function of another make has no platform-free hash; then its code as deployed must stay the same.
    own_hash = sha256.encode().hex()
    return Subject(
        reward=reward,
        spec=spec,
        environment=variables.get("RFT_ENVIRONMENT", environment),
        reward_hash=variables.get(REWARD_HASH, own_hash),
        code_sha256=sha256,
    )


def _download(location: str, *, direct: bool) -> zipfile.ZipFile:
    opener = urllib.request.build_opener(*[urllib.request.ProxyHandler({})] if direct else [])
    try:
        with opener.open(location, timeout=_DOWNLOAD_SECONDS) as answer:
            body = answer.read()
    except (OSError, HTTPException) as error:
        raise Transient(f"the reward function's code could not be downloaded: {error}") from error
    return zipfile.ZipFile(io.BytesIO(body))


def _spec(code: zipfile.ZipFile) -> RewardSpec | None:
    if FILE_NAME not in code.namelist():
        return None
    return RewardSpec.from_json(msgspec.json.decode(code.read(FILE_NAME)))


@dataclass(frozen=True, slots=True)
class DeployedReward:
    """Calls a reward function.

    Args:
        client: Lambda client that makes single attempts.
        function_arn: With its alias.
        patience: How long to go on when throttled.
    """

    client: "LambdaClient"
    function_arn: str
    patience: Patience

    def __call__(self, event: bytes, /) -> bytes:
        """Grade an event.

        Raises:
            RewardRaised: When the function raised or ran out of time.
            Transient: When it said three times that a retry may help.
        """
        for _ in range(_TRANSIENT_ATTEMPTS):
            response = self.patience.call(lambda: self.client.invoke(FunctionName=self.function_arn, Payload=event))
            body = response["Payload"].read()
            if "FunctionError" not in response:
                return body
            error, message = _error(body)
            if error not in _TRANSIENT_ERRORS:
                raise RewardRaised(error, is_timeout="timed out" in message.lower() or "Timedout" in error)
        raise Transient(f"reward function {self.function_arn}: could not grade an event {_TRANSIENT_ATTEMPTS} times")


def _error(body: bytes) -> tuple[str, str]:
    """Return class and message of a function's error; the message may hold text of the data and is not kept."""
    try:
        error: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return "an error", ""
    if not isinstance(error, dict):
        return "an error", ""
    return str(error.get("errorType", "an error")), str(error.get("errorMessage", ""))
