"""Step Functions patch: the Distributed Map state, from its reader to its writer."""

from __future__ import annotations

import contextvars
import copy
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rft_local.emulator.patches.executions import PAYLOAD_BYTES, STOPPED, check_running, check_size, failure
from rft_local.emulator.patches.map_storage import read_items, write_results
from rft_local.emulator.sdk import RoleClients
from rft_local.emulator.undocumented import BatchInput
from rft_local.emulator.upstream import replace, require

SERVICE = "services.stepfunctions"
MAX_CONCURRENCY = 16

Evaluate = Callable[..., Any]


def run_distributed_maps(clients: RoleClients, batch_input: BatchInput) -> None:
    """Runs Distributed Map states with reader, selector, batcher, tolerated failures, writer and history events.

    Gap: ministack ignores ItemBatcher and ResultWriter, reads S3 without permission, evaluates no JSONata in the
    reader, and writes no map events.
    AWS: "Using Map state in Distributed mode for large-scale parallel workloads", with its pages on ItemReader,
    ItemSelector, ItemBatcher, ResultWriter and "Setting failure thresholds for Distributed Map states".
    Kinder or harsher than AWS: at most 16 children run at once whatever MaxConcurrency says; without a writer the
    output holds null for each tolerated failure, which was not compared with AWS.

    Args:
        clients: Clients by role, for S3.
        batch_input: What a path in BatchInput is taken for, which AWS does not say.
    """

    def run(state: Any, raw_input: Any, effective: Any, processor: Any, execution: Any, context: Any) -> Any:
        return MapRun(clients, batch_input, state, raw_input, effective, processor, execution, context).run()

    replace(SERVICE, "_run_distributed_map", run)


@dataclass
class MapRun:
    """One run of one Distributed Map state.

    Attributes:
        clients: Clients by role, for S3.
        batch_input: What a path in BatchInput is taken for.
        state: The state's definition.
        raw_input: The state's input.
        effective: The input after InputPath.
        processor: Its ItemProcessor.
        execution: The parent execution's record.
        context: The parent's context object.
    """

    clients: RoleClients
    batch_input: BatchInput
    state: Mapping[str, Any]
    raw_input: Any
    effective: Any
    processor: Mapping[str, Any]
    execution: Any
    context: Any
    record: dict[str, Any] = field(default_factory=dict)
    children: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Any:
        """Runs all children and returns the state's output and the next state."""
        items = self._batches(self._selected(self._items()))
        self._open(len(items))
        self._event("MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
        self._event("MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": self.record["mapRunArn"]}})
        try:
            results = self._run_children(items)
            written = self._write()
        except require(SERVICE, "_ExecutionError") as error:
            self._close("ABORTED" if error.error == STOPPED else "FAILED")
            details = {"error": error.error, "cause": error.cause}
            self._event("MapRunFailed", {"mapRunFailedEventDetails": details})
            self._event("MapStateFailed")
            raise
        self._close("SUCCEEDED")
        self._event("MapRunSucceeded")
        self._event("MapStateSucceeded")
        return self._output(results if written is None else written)

    @property
    def _jsonata(self) -> bool:
        return bool(require(SERVICE, "_state_query_language")(self.state, self.context) == "JSONata")

    def _evaluate(self, value: Any, context: Any = None) -> Any:
        """Evaluates a template of this state: JSONata expressions, or JSONPath fields ending in `.$`."""
        context = self.context if context is None else context
        if self._jsonata:
            return require(SERVICE, "_apply_jsonata_template")(value, self.raw_input, context)
        return require(SERVICE, "_resolve_params_obj")(value, self.effective, context)

    def _number(self, name: str, default: float = 0, part: Mapping[str, Any] | None = None) -> float:
        """A numeric field of the state or of one part of it: a number, an expression, or a path in `<name>Path`."""
        fields = self.state if part is None else part
        if f"{name}Path" in fields:
            value = require(SERVICE, "_resolve_path_or_ctx")(fields[f"{name}Path"], self.effective, self.context)
        else:
            value = self._evaluate(fields[name]) if self._jsonata and name in fields else fields.get(name)
        return float(default if value is None else value)

    def _items(self) -> list[Any]:
        """The items: from the reader, or from the input."""
        reader = self.state.get("ItemReader")
        if reader:
            arguments = self._evaluate(reader.get("Arguments") or reader.get("Parameters") or {})
            items = read_items(self.clients, reader, arguments)
            limit = (reader.get("ReaderConfig") or {}).get("MaxItems")
            return items[: int(limit)] if limit else items
        if self._jsonata:
            items = self._evaluate(self.state["Items"]) if "Items" in self.state else self.raw_input
        else:
            path = self.state.get("ItemsPath", "$")
            items = require(SERVICE, "_resolve_path_or_ctx")(path, self.effective, self.context)
        return items if isinstance(items, list) else [items]

    def _selected(self, items: list[Any]) -> list[Any]:
        """The items after ItemSelector."""
        selector = self.state.get("ItemSelector") or self.state.get("Parameters")
        if not selector:
            return items
        return [self._evaluate(selector, self._item_context(index, item)) for index, item in enumerate(items)]

    def _item_context(self, index: int, item: Any) -> dict[str, Any]:
        return {**self.context, "Map": {"Item": {"Index": index, "Value": item}}}

    def _batches(self, items: list[Any]) -> list[Any]:
        """The children's inputs after ItemBatcher."""
        batcher = self.state.get("ItemBatcher")
        if not batcher:
            return items
        fixed = {"BatchInput": self._batch_input(batcher["BatchInput"])} if "BatchInput" in batcher else {}
        largest = int(self._number("MaxItemsPerBatch", len(items) or 1, batcher))
        bytes_limit = int(self._number("MaxInputBytesPerBatch", PAYLOAD_BYTES, batcher))
        batches: list[list[Any]] = []
        size = 0
        for item in items:
            length = len(json.dumps(item).encode()) + 1
            if not batches or len(batches[-1]) >= largest or size + length > bytes_limit:
                batches.append([])
                size = len(json.dumps(fixed).encode()) + len('{"Items": []}')
            batches[-1].append(item)
            size += length
        return [{**fixed, "Items": batch} for batch in batches]

    def _batch_input(self, template: Any) -> Any:
        """What every batch is given; JSONata is documented for it, a path is not."""
        text = self.batch_input is BatchInput.TEXT and not self._jsonata
        return template if text else self._evaluate(template)

    def _open(self, total: int) -> None:
        """Registers the run, so that ListMapRuns and DescribeMapRun report it."""
        _, _, _, region, account, _, name = self.execution["stateMachineArn"].split(":")[:7]
        unique = require(SERVICE, "new_uuid")
        label = self.state.get("Label") or unique()
        names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
        counts = dict.fromkeys((*names, "failuresNotRedrivable", "pendingRedrive"), 0) | {
            "total": total,
            "pending": total,
        }
        self.record.update(
            mapRunArn=f"arn:aws:states:{region}:{account}:mapRun:{name}/{label}:{unique()}",
            executionArn=self.execution["executionArn"],
            status="RUNNING",
            startDate=require(SERVICE, "now_iso")(),
            maxConcurrency=int(self._number("MaxConcurrency")),
            toleratedFailurePercentage=self._number("ToleratedFailurePercentage"),
            toleratedFailureCount=int(self._number("ToleratedFailureCount")),
            itemCounts=dict(counts),
            executionCounts=dict(counts),
            redriveCount=0,
            _stateMachineArn=f"arn:aws:states:{region}:{account}:stateMachine:{name}/{label}",
        )
        require(SERVICE, "_map_runs")[self.record["mapRunArn"]] = self.record

    def _close(self, status: str) -> None:
        self.record.update(status=status, stopDate=require(SERVICE, "now_iso")())

    def _event(self, kind: str, details: Any = None) -> None:
        require(SERVICE, "_add_event")(self.execution, kind, details)

    def _count(self, leaving: str, entering: str) -> None:
        """Moves one child from one count to another."""
        with self._lock:
            for counts in (self.record["itemCounts"], self.record["executionCounts"]):
                counts[leaving] -= 1
                counts[entering] += 1

    def _run_children(self, items: list[Any]) -> list[Any]:
        """Runs one child execution per item and returns their outputs, in order."""
        results: list[Any] = [None] * len(items)
        self.children = [self._child(item) for item in items]

        def work(index: int) -> None:
            if self._exceeded() or self.execution["status"] != "RUNNING":
                self._count("pending", "aborted")
                self.children[index]["status"] = "ABORTED"
                return
            results[index] = self._run_child(index, items[index])

        workers = min(self.record["maxConcurrency"] or MAX_CONCURRENCY, MAX_CONCURRENCY, len(items) or 1)
        with ThreadPoolExecutor(max_workers=workers) as pool:
            for future in [pool.submit(contextvars.copy_context().run, work, index) for index in range(len(items))]:
                future.result()
        check_running()
        if self._exceeded():
            self._write()
            error = "States.ExceedToleratedFailureThreshold"
            raise failure(error, "The specified tolerated failure threshold was exceeded")
        return results

    def _exceeded(self) -> bool:
        """Whether more children failed than the state tolerates; without a threshold, none may."""
        failed, total = self.record["itemCounts"]["failed"], self.record["itemCounts"]["total"]
        limits = []
        if any(name.startswith("ToleratedFailureCount") for name in self.state):
            limits.append(failed > self.record["toleratedFailureCount"])
        if any(name.startswith("ToleratedFailurePercentage") for name in self.state):
            limits.append(failed * 100 > self.record["toleratedFailurePercentage"] * total)
        return bool(failed) and (any(limits) if limits else True)

    def _child(self, item: Any) -> dict[str, Any]:
        """The record of one child execution."""
        name = require(SERVICE, "new_uuid")()
        machine = self.record["_stateMachineArn"]
        return {
            "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{name}",
            "stateMachineArn": machine,
            "name": name,
            "status": "RUNNING",
            "startDate": require(SERVICE, "now_iso")(),
            "stopDate": None,
            "input": json.dumps(item),
            "inputDetails": {"included": True},
            "output": None,
            "outputDetails": {"included": True},
            "mapRunArn": self.record["mapRunArn"],
            "events": [],
            "mockAttempts": {},
        }

    def _run_child(self, index: int, item: Any) -> Any:
        """Runs one child execution; its failure is recorded, not raised."""
        child = self.children[index]
        require(SERVICE, "_executions")[child["executionArn"]] = child
        context = copy.deepcopy(self.context)
        context["Map"] = {"Item": {"Index": index, "Value": item}}
        context["Execution"] = {**context["Execution"], "Id": child["executionArn"], "Name": child["name"]}
        self._count("pending", "running")
        result = None
        try:
            check_size(child["input"], "The child workflow execution's input")
            states, start = self.processor.get("States", {}), self.processor.get("StartAt")
            result = require(SERVICE, "_run_sub_machine")(states, start, item, child, context)
            child.update(status="SUCCEEDED", output=json.dumps(result))
        except require(SERVICE, "_ExecutionError") as error:
            child.update(status="FAILED", error=error.error, cause=error.cause)
        child["stopDate"] = require(SERVICE, "now_iso")()
        self._count("running", "succeeded" if child["status"] == "SUCCEEDED" else "failed")
        return result

    def _write(self) -> Any:
        """Writes the results where the state has a writer; None without one."""
        writer = self.state.get("ResultWriter")
        if not writer:
            return None
        arguments = self._evaluate(writer.get("Arguments") or writer.get("Parameters") or {})
        return write_results(self.clients, self.record["mapRunArn"], self.children, writer, arguments)

    def _output(self, result: Any) -> Any:
        """The state's output and its next state."""
        following = require(SERVICE, "_next_or_end")(self.state)
        if self._jsonata:
            output = require(SERVICE, "_apply_jsonata_output")(
                self.state, self.raw_input, self.context, result=result, default=result
            )
            require(SERVICE, "_apply_state_assign")(self.state, self.raw_input, self.context, result=result)
            return output, following
        selected = require(SERVICE, "_apply_result_selector")(self.state, result)
        placed = require(SERVICE, "_apply_result_path")(self.state, self.raw_input, selected)
        return require(SERVICE, "_apply_output_path")(self.state, placed, self.context), following
