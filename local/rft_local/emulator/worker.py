"""Runs one Python Lambda execution environment: started as a script, it serves invocations until its input ends.

Standard library only, because the emulator copies this file beside the unpacked function and runs it there. The
protocol is one JSON document a line on stdin and stdout; everything the function prints, on either stream, goes to
stderr, where a marker line ends the log of each invocation.

Sources: AWS Lambda Developer Guide, "Building Lambda functions with Python" (context object, included libraries) and
"Lambda function errors in Python" (shape of an error).
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

END_OF_LOG = "\x1fend of invocation"
FAILURE = "\x1ffailure"
KILLED = "killed"
PACE = "pace"
RUNTIME_LIBRARY = "RFT_EMULATOR_RUNTIME_LIBRARY"
EMULATOR_VARIABLES = (
    RUNTIME_LIBRARY,
    "GATEWAY_PORT",
    "BIND_HOST",
    "MINISTACK_HOST",
    "MINISTACK_REGION",
    "MINISTACK_ACCOUNT_ID",
    "SFTP_ENABLED",
    "IOT_MTLS_ENABLED",
    "LAMBDA_EXECUTOR",
    "LOG_LEVEL",
    "AUTH",
)

Handler = Callable[[Any, Any], Any]
Document = dict[str, Any]


class Context:
    """The context object a handler receives as its second argument."""

    def __init__(self, function: Document, invocation: Document) -> None:
        self.function_name = function.get("function_name", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = function.get("memory", 128)
        self.invoked_function_arn = invocation.get("invoked_function_arn", function.get("arn", ""))
        self.aws_request_id = invocation.get("request_id", "")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{self.function_name}")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + float(invocation.get("timeout_ms", 3000)) / 1000

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left before the invocation is cut off."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def restrict_imports(library: str | None) -> None:
    """Leaves the standard library and AWS's own libraries importable, as in the real runtime.

    Without it a function that forgot to package a dependency would find it in the emulator's own environment.

    Args:
        library: Directory with the libraries AWS puts in the runtime (boto3 and what it needs).
    """
    standard = str(Path(os.__file__).parent)
    sys.path[:] = [path for path in sys.path if path.startswith(standard) and "site-packages" not in path]
    sys.meta_path[:] = [finder for finder in sys.meta_path if isinstance(finder, type)]  # editable installs add others
    if library:
        sys.path.append(library)


def failure(error_type: str, message: str, frames: list[str]) -> Document:
    """An error as Lambda's Python runtime reports it."""
    return {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": frames}


def raised(error: BaseException) -> Document:
    """The report of an exception, without the frames of this file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return failure(type(error).__name__, str(error), traceback.format_list(frames))


def load(module_name: str, handler_name: str) -> Handler | Document:
    """Imports the handler, or says why it cannot be, with the names the real runtime uses."""
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        return failure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", [])
    except SyntaxError as error:
        return failure("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [])
    except Exception as error:
        return raised(error)
    handler = getattr(module, handler_name, None)
    if handler is None:
        return failure("Runtime.HandlerNotFound", f"Handler '{handler_name}' missing on module '{module_name}'", [])
    return handler  # type: ignore[no-any-return]  # whatever the module holds under that name


def report(problem: Document) -> None:
    """Logs an error as the real runtime does."""
    print(f"[ERROR] {problem['errorType']}: {problem['errorMessage']}", file=sys.stderr)
    for line in "".join(problem["stackTrace"]).splitlines():
        print(line, file=sys.stderr)


def call(handler: Handler, event: Any, context: Context) -> str:
    """Runs one invocation and returns the reply's JSON text."""
    try:
        result = handler(event, context)
    except Exception as error:
        problem = raised(error)
        report(problem)
        return json.dumps({"status": "ok", "result": {FAILURE: problem}})
    try:
        return json.dumps({"status": "ok", "result": result})
    except (TypeError, ValueError) as error:
        problem = failure("Runtime.MarshalError", f"Unable to marshal response: {error}", [])
        report(problem)
        return json.dumps({"status": "ok", "result": {FAILURE: problem}})


def reply(out: TextIO, text: str) -> None:
    """Ends the invocation's log and answers the emulator."""
    sys.stdout.flush()
    print(END_OF_LOG, file=sys.stderr, flush=True)
    out.write(text + "\n")
    out.flush()


def set_trace(invocation: Document) -> None:
    """Puts the invocation's X-Ray header where the SDK looks for it."""
    trace = invocation.get("trace_id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


_sleep = time.sleep


def set_pace(share: float) -> None:
    """Lets waits, such as those of the SDK between two attempts, take a share of their time."""
    time.sleep = _sleep if share == 1 else lambda seconds: _sleep(float(seconds) * share)


def main() -> None:
    """Serves invocations until stdin ends; a function that cannot be loaded is tried again at each of them."""
    os.setsid()  # a process group of its own, so that whatever the function starts can be ended with it
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    library = os.environ.get(RUNTIME_LIBRARY)
    for name in EMULATOR_VARIABLES:
        os.environ.pop(name, None)
    function = json.loads(sys.stdin.readline())
    os.environ.update(function.get("env", {}))
    restrict_imports(library)
    for layer in filter(None, os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)):
        sys.path.insert(0, str(Path(layer, "python")))
    sys.path.insert(0, function["code_dir"])
    handler = load(function["module"], function["handler"])
    out.write(json.dumps({"status": "ready", "cold": True}) + "\n")
    out.flush()
    for line in sys.stdin:
        message = json.loads(line)
        invocation = message.get("ctx") or {}
        set_trace(invocation)
        orders = invocation.get("durable") or {}
        set_pace(orders.get(PACE, 1.0))
        if orders.get(KILLED):  # as the kernel ends a function that is out of memory
            os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(handler, dict):
            handler = load(function["module"], function["handler"])
        if isinstance(handler, dict):
            report(handler)
            reply(out, json.dumps({"status": "ok", "result": {FAILURE: handler}}))
        else:
            reply(out, call(handler, message["event"], Context(function, invocation)))


if __name__ == "__main__":
    main()
