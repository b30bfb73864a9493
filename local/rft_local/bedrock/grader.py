"""Calls of the reward function: in parallel, retried, and their answers checked.

Source: AWS blog "How to build effective reward functions with AWS Lambda for Amazon Nova model customization": a failed
call is retried with exponential backoff; after three retries the job ends with a clear message. What Bedrock does with
missing, repeated or non-finite scores is undocumented; here the job fails, because any other way would hide them.
"""

import json
import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.json_value import JsonValue
from rft_local.bedrock.emulator_client import RoleSession
from rft_local.bedrock.endpoint_settings import GraderSettings
from rft_local.bedrock.engine import Rollout
from rft_local.bedrock.grader_event import Event, arrange

_HOPELESS = ("AccessDeniedException", "ResourceNotFoundException", "InvalidParameterValueException")
_SHOWN = 500


class GraderFailed(Exception):
    """The reward function cannot grade; the message says why, and what was done about it."""


class GradingStopped(Exception):
    """The job was stopped while rewards were awaited."""


class _CallFailed(Exception):
    """One call failed in a way that another try may not."""


class Grader:
    """The reward function of one job.

    Args:
        session: The passed role at work.
        arn: The function, with or without a qualifier.
        settings: How to call it.
        seed: Seed of the mixing.
        should_stop: Asked before every call.
        sleep: Waits between retries, seconds.
    """

    def __init__(
        self,
        session: RoleSession,
        arn: str,
        settings: GraderSettings,
        seed: int,
        should_stop: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session
        self._arn = arn
        self._settings = settings
        self._seed = seed
        self._should_stop = should_stop
        self._sleep = sleep
        self._hopeless = threading.Event()

    def rewards(self, rollouts: Sequence[Rollout]) -> list[float]:
        """Return one reward for each rollout, in their order.

        Raises:
            GraderFailed: When a call fails for good or an answer breaks the contract.
            GradingStopped: When the job was stopped.
        """
        self._seed += 1
        events = arrange(rollouts, self._settings, self._seed)
        rewards = [math.nan] * len(rollouts)
        with ThreadPoolExecutor(self._settings.concurrency) as pool:
            for event, scores in zip(events, pool.map(self._grade, events), strict=True):
                for sample in event.samples:
                    rewards[sample.position] = scores[sample.id]
        if self._settings.shuffle_rewards:
            random.Random(self._seed).shuffle(rewards)
        return rewards

    def _grade(self, event: Event) -> dict[str, float]:
        reason = ""
        for attempt in range(self._settings.retries + 1):
            if attempt:
                self._sleep(self._settings.backoff_seconds * 2 ** (attempt - 1))
            if self._should_stop():
                raise GradingStopped
            if self._hopeless.is_set():
                raise GraderFailed("another call of the reward function failed for good")
            try:
                return scores(self._invoke(event), event, self._arn)
            except _CallFailed as failure:
                reason = str(failure)
            except GraderFailed:
                self._hopeless.set()
                raise
        self._hopeless.set()
        raise GraderFailed(
            f"The reward function {self._arn} failed {self._settings.retries + 1} times "
            f"({self._settings.retries} retries with exponential backoff) on an event of {len(event.samples)} samples: "
            f"{reason}"
        )

    def _invoke(self, event: Event) -> bytes:
        try:
            answer = self._session.functions.invoke(FunctionName=self._arn, Payload=event.payload)
            payload = answer["Payload"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _HOPELESS:
                raise GraderFailed(f"The reward function {self._arn} cannot be invoked: {error}") from None
            raise _CallFailed(str(error)) from None
        except BotoCoreError as error:
            raise _CallFailed(str(error)) from None
        if answer.get("FunctionError"):
            raise _CallFailed(payload.decode(errors="replace")[:_SHOWN])
        return payload


def scores(payload: bytes, event: Event, arn: str) -> dict[str, float]:
    """Read the answer to an event.

    Args:
        payload: What the function returned.
        event: What it was asked.
        arn: The function, for the message.

    Returns:
        Sample id -> `aggregate_reward_score`.

    Raises:
        GraderFailed: When the answer is no list with exactly one finite score for each sample.
    """
    try:
        answers = json.loads(payload)
    except ValueError:
        raise _broken(arn, "it is not JSON") from None
    if not isinstance(answers, list):
        raise _broken(arn, f"it is a {type(answers).__name__}, wanted a list")
    found: dict[str, float] = {}
    for answer in answers:
        sample_id = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(sample_id, str):
            raise _broken(arn, "it has an element without an id")
        if sample_id in found:
            raise _broken(arn, f"the id {sample_id} appears twice")
        found[sample_id] = _score(answer, sample_id, arn)
    wanted = {sample.id for sample in event.samples}
    if missing := wanted - found.keys():
        raise _broken(arn, f"{len(missing)} of {len(wanted)} ids are missing, such as {min(missing)}")
    if unknown := found.keys() - wanted:
        raise _broken(arn, f"it has ids that were not sent, such as {min(unknown)}")
    return found


def _score(answer: dict[str, JsonValue], sample_id: str, arn: str) -> float:
    value = answer.get("aggregate_reward_score")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _broken(arn, f"aggregate_reward_score of {sample_id} is {value!r}, wanted a finite number")
    return float(value)


def _broken(arn: str, detail: str) -> GraderFailed:
    return GraderFailed(f"The response of the reward function {arn} breaks the contract: {detail}")
