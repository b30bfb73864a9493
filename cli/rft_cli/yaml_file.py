"""YAML files as people write them."""

import re
from pathlib import Path

import yaml

from rft_cli.cli_error import CliError
from rft_contract.json_value import JsonValue


class _Loader(yaml.SafeLoader):
    """YAML as people expect it: `4e-4` is a number (YAML 1.1 wants `4.0e-4`) and a key stands once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, JsonValue]:
    """Build a mapping, refusing a second value for a key."""
    mapping: dict[str, JsonValue] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in mapping:
            problem = f"key {key} stands twice" if isinstance(key, str) else f"key {key!r} is no text"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path, what: str) -> JsonValue:
    """Return what a YAML file holds.

    Args:
        path: The file.
        what: What it is, for the errors, such as `recipe`.

    Raises:
        CliError: Naming the file, and the line where it is no YAML.
    """
    try:
        value: JsonValue = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise CliError(f"{what} {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise CliError(f"{what} {path}: not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CliError(f"{what} {path}:{line}: not YAML: {error.problem or 'cannot be read'}") from None
    except yaml.YAMLError as error:
        raise CliError(f"{what} {path}: not YAML: {' '.join(str(error).split())}") from None
    return value
