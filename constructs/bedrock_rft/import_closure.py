"""What a module needs of this distribution's packages, found by reading and never by importing."""

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from bedrock_rft._assets import folder_files, package_folder

_PACKAGES = ("rft_contract", "rft_rewards", "rft_dataset", "rft_runtime", "rft_handlers")


def import_closure(modules: Iterable[str], *, without: Collection[str] = ()) -> dict[str, bytes]:
    """Return the files of modules and of all that they import of our packages, by their path in an asset.

    An import counts wherever in a module it stands, except under `if TYPE_CHECKING`. A module that says `__file__`
    reads files beside it: those files and folders that its texts name go along.

    Args:
        modules: Names of modules, such as `rft_handlers.reward`.
        without: Modules to leave out although they are imported, with what only they need.

    Raises:
        AssetError: When a package is not installed.
    """
    files: dict[str, bytes] = {}
    seen = set(without)
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _path(module)
        if path is None:  # a name that its package defines
            continue
        folder = package_folder(module.partition(".")[0])
        content = path.read_bytes()
        files[_inside(path, folder)] = content
        waiting += _ancestors(module)
        waiting += imported_modules(content)
        for beside in _files_beside(path, content):
            files |= (
                folder_files(beside, prefix=f"{_inside(beside, folder)}/")
                if beside.is_dir()
                else {_inside(beside, folder): beside.read_bytes()}
            )
    return files


@cache
def imported_modules(source: bytes) -> tuple[str, ...]:
    """Return what a module's source imports of our packages; a name may turn out to be no module.

    Args:
        source: Python.

    Raises:
        SyntaxError: When it is not.
    """
    return tuple(name for name in _imported(ast.parse(source)) if name.partition(".")[0] in _PACKAGES)


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the names that are imported below a node of the syntax tree."""
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        case _:
            is_for_types = (
                isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            )
            children = node.orelse if isinstance(node, ast.If) and is_for_types else ast.iter_child_nodes(node)
            for child in children:
                yield from _imported(child)


def _path(module: str) -> Path | None:
    """Return a module's file, or None when there is none of this name."""
    package, *inner = module.split(".")
    place = package_folder(package).joinpath(*inner)
    candidates = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((path for path in candidates if path.is_file()), None)


def _ancestors(module: str) -> list[str]:
    """Return the packages that a module lies in."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _files_beside(path: Path, content: bytes) -> Iterator[Path]:
    """Yield the files and folders beside a module that its texts name."""
    tree = list(ast.walk(ast.parse(content))) if b"__file__" in content else []
    if any(isinstance(node, ast.Name) and node.id == "__file__" for node in tree):
        texts = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        beside = {entry.name: entry for entry in path.parent.iterdir() if entry.suffix != ".py"}
        yield from (beside[name] for name in sorted(texts & beside.keys()))


def _inside(path: Path, package: Path) -> str:
    """Return a path as it stands in an asset."""
    return path.relative_to(package.parent).as_posix()
