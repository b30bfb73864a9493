"""The runner function: executes the programs of one event."""

import atexit
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from rft_runner.sandbox import MOST_ANSWERED, Sandbox, Unclean

RESPONSE_LIMIT = 5_500_000
"""Characters of answers in a response, below the 6 MB of a synchronous invocation."""

FOLDER_VARIABLE = "RFT_RUNNER_FOLDER"
"""Names the folder that belongs to programs, where it is not Lambda's own /tmp."""

_LAMBDA_CODE = Path("/var/task")
_LAMBDA_SCRATCH = Path("/tmp")
_START_SECONDS = 0.5


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run jobs one after the other.

    When it cannot be shown that nothing of a program is left, the process ends, so that no other program and no later
    event meets it; the caller gets no response then.

    Args:
        event: `{"nonce", "seconds", "jobs"}`; jobs as `rft_rewards.runner.Job.to_json` writes them.
        context: Not read.

    Returns:
        `{"nonce", "results", "strays"}`: the event's nonce, which no program knows; for each job `{"answers",
        "seconds"}`, or None when there was no time or room left to start it; and how many processes had to be ended.
    """
    end = time.monotonic() + float(event["seconds"])
    try:
        sandbox = _sandbox()
        results: list[dict[str, Any] | None] = []
        room = RESPONSE_LIMIT
        strays = 0
        for job in event["jobs"]:
            if end - time.monotonic() < float(job["seconds"]) + _START_SECONDS or room < MOST_ANSWERED:
                results.append(None)
                continue
            answered = sandbox.run(job)
            strays += answered.strays
            room -= sum(len(answer) + answer.count('"') + answer.count("\\") + 4 for answer in answered.answers)
            results.append({"answers": answered.answers, "seconds": round(answered.seconds, 4)})
        sandbox.check()
    except Unclean:
        os._exit(1)
    return {"nonce": event["nonce"], "results": results, "strays": strays}


def close() -> None:
    """End what the environment started."""
    if _sandbox.cache_info().currsize:
        _sandbox().close()


@functools.cache
def _sandbox() -> Sandbox:
    """Return this environment's sandbox."""
    return Sandbox(_folder())


def _folder() -> Path:
    """Return the folder that belongs to programs: Lambda's /tmp, or one that was given or is made."""
    if _LAMBDA_CODE in Path(__file__).parents:
        return _LAMBDA_SCRATCH
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    # The folder around it belongs to this process, so that no program can put a link in its place.
    outer = Path(tempfile.mkdtemp(prefix="rft-runner-"))
    atexit.register(shutil.rmtree, outer, ignore_errors=True)
    outer.chmod(0o711)
    inner = outer / "programs"
    inner.mkdir(mode=0o700)
    return inner
