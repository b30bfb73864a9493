"""Lambda patches: how a function's process runs and what its failures look like."""

from __future__ import annotations

import importlib.util
import os
import queue
import signal
import sys
import time
from pathlib import Path
from typing import Any

from rft_local.emulator import worker
from rft_local.emulator.upstream import require, wrap

RUNTIME = "core.lambda_runtime"
SERVICE = "services.lambda_svc"
INCLUDED_LIBRARIES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
LOG_END_SECONDS = 1.0


def run_functions_isolated() -> None:
    """Runs Python functions with only the standard library and AWS's own libraries, and keeps the process on errors.

    Gap: ministack's worker imports whatever the emulator's environment holds, so that a dependency missing from the
    package is found; it imports botocore into every function; it ends the process at each raised exception, so that
    module state is lost.
    AWS: the package must hold its dependencies, boto3 is included, and an execution environment survives a handled
    exception ("Building Lambda functions with Python", "Understanding the Lambda execution environment lifecycle").
    Not kept from ministack: its loop counter for recursive invocations and SnapStart hooks.
    """
    script = Path(worker.__file__).read_text(encoding="utf-8")

    def detect(original: Any, runtime: str) -> Any:
        return (sys.executable, script) if runtime.startswith("python") else original(runtime)

    wrap(RUNTIME, "_detect_runtime_binary", detect)


def runtime_library(folder: Path) -> Path:
    """Makes the directory of libraries that AWS includes in the Python runtime, as links to the installed ones.

    Args:
        folder: Where to make it.

    Returns:
        The directory, to be named in the environment variable `worker.RUNTIME_LIBRARY`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in INCLUDED_LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        link = folder / target.name
        if not link.exists():
            link.symlink_to(target)
    return folder


def end_logs_at_marker() -> None:
    """Takes a Python function's log up to its end marker.

    Gap: ministack waits 50 ms after each invocation for log lines that may never come, and may cut off late ones.
    AWS: an invocation's log is complete ("Sending Lambda function logs to CloudWatch Logs").
    """

    def drain(original: Any, self: Any, *arguments: Any, **options: Any) -> str:
        python = str(self.config.get("Runtime", "python")).startswith("python")
        if not python or self._proc is None:
            return str(original(self, *arguments, **options))
        lines: list[str] = []
        deadline = time.monotonic() + LOG_END_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._stderr_queue.get(timeout=left)
            except queue.Empty:
                break
            if line == worker.END_OF_LOG:
                break
            lines.append(line)
        return "\n".join(lines)

    wrap(RUNTIME, "Worker._drain_stderr_bounded", drain)


def end_process_groups() -> None:
    """Ends everything a function started together with its environment.

    Gap: on a time-out ministack ends the function's process, but not what that process started.
    AWS: "Understanding the Lambda execution environment lifecycle": an environment is reset as a whole.
    """

    def end(original: Any, process: Any) -> None:
        if process is None or process.poll() is not None or os.getpgid(process.pid) != process.pid:
            original(process)
        else:
            os.killpg(process.pid, signal.SIGKILL)

    wrap(RUNTIME, "_signal", end)


def report_exception_names() -> None:
    """Reports a failed invocation under the name of the raised exception, with its stack trace.

    Gap: ministack reports every failure as `Runtime.HandlerError`, so that Retry and Catch by name never match.
    AWS: `errorType` is the exception's class name; failures to import, to find the handler or to serialize the answer
    and processes that end have names of the runtime's own ("Lambda function errors in Python"; Step Functions
    Developer Guide, "Handling errors in Step Functions workflows").
    """

    def execute(original: Any, function: Any, event: Any, request_id: str) -> Any:
        result = original(function, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and worker.FAILURE in body:
            problem = {**body[worker.FAILURE], "requestId": request_id}
            return {"body": problem, "error": True, "function_error": "Unhandled", "log": result.get("log", "")}
        if result.get("error") and isinstance(body, dict) and body.get("errorMessage") == "Worker process died":
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            result["body"] = {"errorMessage": message, "errorType": "Runtime.ExitError"}
        return result

    wrap(SERVICE, "_execute_function_warm", execute)


def honour_qualified_invoke_config() -> None:
    """Applies an EventInvokeConfig of a version or alias to asynchronous invocations through that qualifier.

    Gap: ministack only reads the configuration of `$LATEST`.
    AWS: the configuration belongs to the function, version or alias that is invoked ("How Lambda handles errors and
    retries with asynchronous invocation").
    """

    def invoke(original: Any, function: Any, event: Any) -> Any:
        config = function.get("config") or function
        name, qualifier = require(SERVICE, "_resolve_name_and_qualifier")(config.get("FunctionArn", ""))
        base = require(SERVICE, "_functions").get(name)
        chosen = ((base or {}).get("event_invoke_configs") or {}).get(qualifier or "$LATEST")
        return original({**function, "event_invoke_config": chosen} if chosen else function, event)

    wrap(SERVICE, "invoke_async_with_retry", invoke)
