"""A deployed reward function's own code, run on this machine.

Only the code that is deployed, not the code that happens to be installed here, gives the very rewards that a job would
get. The function's asset is downloaded, unpacked and called in a child process, so that its modules never mix with the
installed ones; there is no payload limit and nothing is billed.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.services import CODE_RUNNER_ARN, JUDGE_MODEL_IDS

_CALL = """
import contextlib, importlib, json, os, sys, types
event = json.load(sys.stdin)
module, _, name = os.environ["RFT_HANDLER"].rpartition(".")
arn = os.environ["RFT_FUNCTION_ARN"]
context = types.SimpleNamespace(
    function_name=arn.split(":")[6], function_version="$LATEST", invoked_function_arn=arn, aws_request_id="rft-grade",
    get_remaining_time_in_millis=lambda: 900_000,
)
with contextlib.redirect_stdout(sys.stderr):
    result = getattr(importlib.import_module(module), name)(event, context)
json.dump(result, sys.stdout)
"""
"""Calls the handler like Lambda does. What it prints (metrics) goes to stderr."""


def grade(environment: Environment, reward: str, event: bytes, *, limit: float = 900.0) -> bytes:
    """Grade an event with a deployed reward function's code.

    Args:
        environment: Where it is deployed.
        reward: Its name.
        event: What Bedrock would send: a JSON array of samples, of any size.
        limit: Longest time, seconds.

    Returns:
        What the function answers, JSON.

    Raises:
        CliError: When there is no such reward, the event is no JSON array, or the handler fails.
    """
    try:
        samples = json.loads(event)
    except ValueError as error:
        raise CliError(f"event: not JSON: {error}") from None
    if not isinstance(samples, list):
        raise CliError(f"event: got {type(samples).__name__}, wanted the JSON array that Bedrock sends")
    functions = environment.outputs.rewards
    if reward not in functions:
        known = ", ".join(sorted(functions))
        raise CliError(f"--reward {reward}: unknown in environment {environment.name}; it has {known}")
    found = environment.aws.functions.get_function(FunctionName=functions[reward])
    configuration = found["Configuration"]
    with tempfile.TemporaryDirectory(prefix="rft-grade-") as folder:
        _unpack(found["Code"]["Location"], Path(folder), direct=environment.is_local)
        variables = configuration.get("Environment", {}).get("Variables", {})
        # Credentials are lent to code that asks others, and to no other.
        asks_others = not {CODE_RUNNER_ARN, JUDGE_MODEL_IDS}.isdisjoint(variables)
        child_environment = {
            **variables,
            **(environment.aws.variables() if asks_others else {}),
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": folder,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": folder,
            "RFT_HANDLER": configuration["Handler"],
            "RFT_FUNCTION_ARN": configuration["FunctionArn"],
        }
        try:
            child = subprocess.run(
                [sys.executable, "-c", _CALL],
                input=event,
                capture_output=True,
                env=child_environment,
                cwd=folder,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CliError(f"reward {reward}: no answer in {limit:g} s") from None
    if child.returncode:
        words = child.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise CliError(f"reward {reward}: the handler failed: {words[-1]}")
    return child.stdout


def _unpack(location: str, folder: Path, *, direct: bool) -> None:
    """Download and unpack an asset; `direct` goes past the proxies that the shell names."""
    opener = urllib.request.build_opener(*[urllib.request.ProxyHandler({})] if direct else [])
    with opener.open(location, timeout=60) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    archive.extractall(folder)
