"""YAML files of rewards, read as `rft_cli.yaml_file` reads them, which this library cannot import.

A test holds both to the same values.
"""

import re
from pathlib import Path

import yaml

from bedrock_rft._assets import AssetError
from rft_contract.json_value import JsonValue


class _Loader(yaml.SafeLoader):
    """YAML as people expect it: `4e-4` is a number (YAML 1.1 wants `4.0e-4`) and a key is a text that stands once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, JsonValue]:
    """Build a mapping, refusing a second value for a key."""
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    wrong = next((key for place, key in enumerate(keys) if not isinstance(key, str) or key in keys[:place]), None)
    if wrong is not None:
        problem = f"key {wrong} stands twice" if isinstance(wrong, str) else f"key {wrong!r} is no text"
        raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
    return {key: loader.construct_object(value, deep=True) for key, (_, value) in zip(keys, node.value, strict=True)}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> JsonValue:
    """Return what a YAML file holds, as JSON would.

    Args:
        path: The file.

    Raises:
        AssetError: When the file cannot be read, or is not YAML, or names a key twice.
    """
    try:
        value: JsonValue = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise AssetError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise AssetError(f"{path}: not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise AssetError(f"{path}{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise AssetError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return value
