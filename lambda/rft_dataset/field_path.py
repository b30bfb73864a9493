"""A field of a row, named by a path such as `task_id` or `metadata.source`."""

from rft_contract.json_value import JsonObject, JsonValue


def field_at(row: JsonObject, path: str) -> JsonValue:
    """Return the value of a field; None when there is none, or null.

    Args:
        row: The row.
        path: Names from the outside in, separated by full stops. A field whose own name has full stops is found too.
    """
    if path in row:
        return row[path]
    value: JsonValue = row
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
