"""The runner of untrusted code as the `code` grader sees it: jobs packed into calls of the runner function.

Importing this loads no third-party package; the first call of the function loads boto3.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rft_rewards.runner import Job, Ran, RunnerLost, RunnerUnreachable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

REQUEST_LIMIT = 5_500_000
"""Bytes of jobs in one request, below the 6 MB of a synchronous invocation (Lambda developer guide, quotas)."""

_MARGIN_SECONDS = 5.0
_SHORTEST_WAIT = 5
_ANOTHER_TRY_SECONDS = 20.0

Invoke = Callable[[bytes, float], bytes]
"""Hands an event to an environment of the runner and returns its response, waiting so many seconds.

Raises `RunnerLost` or `RunnerUnreachable`.
"""


class CodeRunner:
    """Runs jobs in one call, or in as few as the size of a request allows.

    Args:
        invoke: Reaches the runner.
        longest_seconds: What the runner's function may take.
    """

    def __init__(self, invoke: Invoke, *, longest_seconds: float) -> None:
        self._invoke = invoke
        self._longest_seconds = longest_seconds
        self.calls = 0
        """How often the runner was called."""

    def run(self, jobs: Sequence[Job], /, *, seconds: float) -> list[Ran | None]:
        """Run jobs; see `rft_rewards.runner.Runner.run`."""
        end = time.monotonic() + seconds
        results: list[Ran | None] = []
        for pack in _packed(jobs):
            results += self._run(pack, end - time.monotonic())
        return results

    def _run(self, pack: "_Pack", seconds: float) -> list[Ran | None]:
        """Run jobs in one call.

        No call is waited for longer than its jobs can take: a program may have stopped the process that would answer.
        """
        seconds = min(seconds, self._longest_seconds, pack.seconds + 2 * _MARGIN_SECONDS)
        if seconds < _SHORTEST_WAIT:
            if not pack.jobs:
                raise RunnerUnreachable("no time to ask")
            return [None] * len(pack.jobs)
        nonce = secrets.token_hex(16)
        work = seconds - min(_MARGIN_SECONDS, seconds / 2)
        event = f'{{"nonce":"{nonce}","seconds":{work:.3f},"jobs":[{",".join(pack.jobs)}]}}'
        self.calls += 1
        return _read(self._invoke(event.encode(), seconds), nonce, len(pack.jobs))


class LambdaInvoke:
    """Invokes the runner function.

    Args:
        function_arn: Of the function.
    """

    def __init__(self, function_arn: str) -> None:
        self._function_arn = function_arn
        self._clients: dict[int, LambdaClient] = {}

    def __call__(self, payload: bytes, seconds: float) -> bytes:
        """Return the function's response.

        A throttled call is tried again, with full jitter, for at most 20 of the seconds.

        Raises:
            RunnerLost: When the function failed, or said nothing in time.
            RunnerUnreachable: When it could not be invoked.
        """
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        from rft_runtime.patience import Patience

        client = self._client(seconds)
        patience = Patience(deadline=time.monotonic() + min(_ANOTHER_TRY_SECONDS, seconds / 2))

        def invoke() -> bytes:
            try:
                response = client.invoke(FunctionName=self._function_arn, Payload=payload)
                content = response["Payload"].read()
            except ReadTimeoutError:
                raise RunnerLost("no response in time") from None
            if "FunctionError" in response:
                raise RunnerLost(response["FunctionError"])
            return bytes(content)

        try:
            return patience.call(invoke)
        except (ClientError, BotoCoreError) as error:
            raise RunnerUnreachable(type(error).__name__) from None

    def _client(self, seconds: float) -> "LambdaClient":
        """Return a client that waits at most so long, in steps of 5 seconds."""
        wait = max(_SHORTEST_WAIT, int(seconds) // 5 * 5)
        if wait not in self._clients:
            import boto3
            from botocore.config import Config

            config = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=wait)
            self._clients[wait] = boto3.client("lambda", config=config)
        return self._clients[wait]


@dataclass(slots=True)
class _Pack:
    """Jobs of one request, as JSON."""

    jobs: list[str] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0


def _packed(jobs: Sequence[Job]) -> Iterator[_Pack]:
    """Yield jobs in requests that fit; one empty request when there is no job."""
    pack = _Pack()
    for job in jobs:
        text = json.dumps(job.to_json())
        if pack.jobs and pack.size + len(text) > REQUEST_LIMIT:
            yield pack
            pack = _Pack()
        pack.jobs.append(text)
        pack.size += len(text) + 1
        pack.seconds += job.seconds
    yield pack


def _read(payload: bytes, nonce: str, count: int) -> list[Ran | None]:
    """Read a response.

    Raises:
        RunnerLost: When the runner did not write it: it lacks the event's nonce, which no program knows.
    """
    try:
        response: dict[str, Any] = json.loads(payload)
        if not secrets.compare_digest(str(response["nonce"]), nonce):
            raise RunnerLost("a response without the event's nonce")
        results = [
            None if result is None else Ran(tuple(map(str, result["answers"])), float(result["seconds"]))
            for result in response["results"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise RunnerLost("an unreadable response") from None
    if len(results) != count:
        raise RunnerLost("a response of another event")
    return results
