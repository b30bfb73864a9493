"""What a Distributed Map reads from and writes to S3, as the role of its state machine.

Sources: Step Functions Developer Guide, "ItemReader (Map)" and "ResultWriter (Map)".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from rft_local.emulator.patches.executions import current_role, failure
from rft_local.emulator.sdk import RoleClients
from rft_local.emulator.upstream import require

SERVICE = "services.stepfunctions"


def read_items(clients: RoleClients, reader: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Any]:
    """Reads a map's items.

    Args:
        clients: Clients by role.
        reader: The state's ItemReader.
        arguments: Its evaluated arguments (Bucket, Key or Prefix).

    Returns:
        The lines of a JSONL or CSV object, the elements of a JSON array, or the objects under a prefix.

    Raises:
        _ExecutionError: `States.ItemReaderFailed` with the reason.
    """
    client = clients.client("s3", current_role())
    config = reader.get("ReaderConfig") or {}
    try:
        if str(reader.get("Resource", "")).endswith("s3:listObjectsV2"):
            return list(_listed(client, arguments))
        text = client.get_object(Bucket=arguments["Bucket"], Key=arguments["Key"])["Body"].read().decode()
        items = require(SERVICE, "_parse_reader_items")(text, config)
    except (ClientError, KeyError, ValueError) as error:
        raise failure("States.ItemReaderFailed", f"{error} ({json.dumps(arguments)})") from None
    if not isinstance(items, list):
        raise failure("States.ItemReaderFailed", "Attempting to map over non-iterable node")
    return items


def _listed(client: Any, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects under a prefix."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=arguments["Bucket"], Prefix=arguments.get("Prefix", "")
    )
    for page in pages:
        for found in page.get("Contents", []):
            yield {
                "Etag": found["ETag"],
                "Key": found["Key"],
                "LastModified": int(found["LastModified"].timestamp()),
                "Size": found["Size"],
                "StorageClass": found.get("StorageClass", "STANDARD"),
            }


def write_results(
    clients: RoleClients,
    map_run_arn: str,
    children: Sequence[Mapping[str, Any]],
    writer: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> Any:
    """Writes the results of a map run: one file for each outcome, and a manifest.

    Args:
        clients: Clients by role.
        map_run_arn: The run.
        children: Its child executions.
        writer: The state's ResultWriter.
        arguments: Its evaluated arguments (Bucket and Prefix); without a bucket nothing is written.

    Returns:
        What becomes the state's result: the place of the manifest, or the transformed results themselves.

    Raises:
        _ExecutionError: `States.ResultWriterFailed` with the reason.
    """
    config = writer.get("WriterConfig") or {}
    transformation, lines = config.get("Transformation", "NONE"), config.get("OutputType") == "JSONL"
    if not arguments.get("Bucket"):
        return _rows([child for child in children if child["status"] == "SUCCEEDED"], transformation)
    client = clients.client("s3", current_role())
    folder = "/".join(part for part in (arguments.get("Prefix", "").strip("/"), map_run_arn.rsplit(":", 1)[-1]) if part)
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    try:
        for status in ("SUCCEEDED", "FAILED"):
            chosen = [child for child in children if child["status"] == status]
            if chosen:
                rows = _rows(chosen, transformation if status == "SUCCEEDED" else "NONE")
                body = _text(rows, lines).encode()
                key = f"{folder}/{status}_0.{'jsonl' if lines else 'json'}"
                client.put_object(Bucket=arguments["Bucket"], Key=key, Body=body)
                files[status].append({"Key": key, "Size": len(body)})
        manifest = {"DestinationBucket": arguments["Bucket"], "MapRunArn": map_run_arn, "ResultFiles": files}
        key = f"{folder}/manifest.json"
        client.put_object(Bucket=arguments["Bucket"], Key=key, Body=json.dumps(manifest).encode())
    except ClientError as error:
        raise failure("States.ResultWriterFailed", str(error)) from None
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": arguments["Bucket"], "Key": key}}


def _rows(children: Sequence[Mapping[str, Any]], transformation: str) -> list[Any]:
    """The results in the form the writer asks for."""
    if transformation == "NONE":
        return [_report(child) for child in children]
    outputs = [json.loads(child["output"]) for child in children]
    if transformation == "COMPACT":
        return outputs
    return [row for output in outputs for row in (output if isinstance(output, list) else [output])]


def _report(child: Mapping[str, Any]) -> dict[str, Any]:
    """One child execution with its metadata."""
    names = {
        "executionArn": "ExecutionArn",
        "input": "Input",
        "inputDetails": "InputDetails",
        "name": "Name",
        "output": "Output",
        "outputDetails": "OutputDetails",
        "startDate": "StartDate",
        "stateMachineArn": "StateMachineArn",
        "status": "Status",
        "stopDate": "StopDate",
        "error": "Error",
        "cause": "Cause",
    }
    return {label: child[name] for name, label in names.items() if child.get(name) is not None}


def _text(rows: Sequence[Any], lines: bool) -> str:
    """The rows as JSON lines or as one JSON array."""
    return "\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows)
