"""How much work a JSON Schema can ask for."""

from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import unquote

from rft_contract.json_value import JsonObject, JsonValue

_Node: TypeAlias = JsonObject | list[JsonValue]
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "$anchor", "$dynamicAnchor")


def schema_size(schema: JsonObject) -> int:
    """Return how many parts a schema has when every reference inside it is written out.

    A part is a keyword, an item or a value. A reference back to where it stands counts once, since validators remember
    what they have found out about a value. Twenty definitions that each refer twice to the next one are a million
    parts, though a short text.

    Args:
        schema: The schema; read in time linear in its length.
    """
    names = dict(_named(schema))
    sizes: dict[int, int] = {}  # identity of a node -> its parts; 0 while they are being counted
    stack: list[_Node] = [schema]
    counted: set[int] = set()
    while stack:
        node = stack[-1]
        parts = _parts(node, schema, names)
        if id(node) not in sizes:
            sizes[id(node)] = 0
            stack += [part for part in parts if id(part) not in sizes]
            continue
        stack.pop()
        if id(node) not in counted:
            counted.add(id(node))
            sizes[id(node)] = 1 + len(node) + sum(sizes[id(part)] for part in parts)
    return sizes[id(schema)]


def _parts(node: _Node, schema: JsonObject, names: dict[str, _Node]) -> list[_Node]:
    """Return the objects and arrays that stand in a node, and those that it refers to."""
    children = list(node.values()) if isinstance(node, dict) else node
    parts = [child for child in children if isinstance(child, (dict, list))]
    if isinstance(node, dict):
        targets = [_target(reference, schema, names) for name in _REFERENCES if (reference := node.get(name))]
        parts += [target for target in targets if target is not None]
    return parts


def _named(schema: JsonObject) -> Iterator[tuple[str, _Node]]:
    """Yield the nodes that have a name of their own, by how a reference writes it."""
    stack: list[_Node] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for keyword in _NAMES:
                name = node.get(keyword)
                if isinstance(name, str):
                    yield (name if keyword == "$id" else f"#{name}"), node
        children = list(node.values()) if isinstance(node, dict) else node
        stack += [child for child in children if isinstance(child, (dict, list))]


def _target(reference: JsonValue, schema: JsonObject, names: dict[str, _Node]) -> _Node | None:
    """Return the node that a reference means, or None when it is not one of this schema's."""
    if not isinstance(reference, str):
        return None
    if reference in names:
        return names[reference]
    base, _, pointer = reference.partition("#")
    node: JsonValue = names.get(base) if base else schema
    for step in unquote(pointer).split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list):
            node = node[int(step)] if step.isdecimal() and int(step) < len(node) else None
    return node if isinstance(node, (dict, list)) else None
