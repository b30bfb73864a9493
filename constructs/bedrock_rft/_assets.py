"""Putting Lambda assets together from the installed packages, under names that follow their content.

An asset is a folder `.bundles/<hash>` below the folder in which the app runs. Equal content gives an equal folder, so
that an unrelated edit changes no function, and a second synth finds everything in place. The folder is a cache: delete
it freely.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path


class AssetError(Exception):
    """An asset cannot be made; the message says what to do."""


def package_folder(package: str) -> Path:
    """Return where an installed top-level package lies, without importing it.

    Raises:
        AssetError: When it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise AssetError(f"package {package} not found; it is part of bedrock-rft-constructs: reinstall that")
    return Path(next(iter(spec.submodule_search_locations)))


def package_files(package: str, modules: Iterable[str] | None = None) -> dict[str, bytes]:
    """Return a package's files by their path in an asset; bytecode is left out, since it would change the hash.

    Args:
        package: Name of an installed top-level package.
        modules: The modules to take, beside `__init__`. Default: - every file.

    Raises:
        AssetError: When the package or one of the modules is missing.
    """
    folder = package_folder(package)
    if modules is not None:
        names = ["__init__", *modules]
        missing = [name for name in names if not (folder / f"{name}.py").is_file()]
        if missing:
            raise AssetError(f"package {package} at {folder} has no module {', '.join(missing)}")
        return {f"{package}/{name}.py": (folder / f"{name}.py").read_bytes() for name in names}
    return folder_files(folder, prefix=f"{package}/")


def folder_files(folder: Path, *, prefix: str = "") -> dict[str, bytes]:
    """Return every file below a folder by its relative path, without bytecode."""
    return {
        prefix + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def bundles_folder() -> Path:
    """Return the cache's folder, absolute: the process that stages assets follows no later change of directory."""
    return Path.cwd() / ".bundles"


def content_hash(files: Mapping[str, bytes], *, onto: str = "") -> str:
    """Return the name that files with this content get.

    Args:
        files: Content by relative path.
        onto: Name of what they are added to.
    """
    digest = hashlib.sha256(onto.encode())
    for name, content in sorted(files.items()):
        digest.update(f"\n{name}\n{hashlib.sha256(content).hexdigest()}".encode())
    return digest.hexdigest()[:32]


def assemble(files: Mapping[str, bytes], *, onto: Sequence[Path] = ()) -> Path:
    """Return the folder with these files, made only when it does not exist yet.

    Args:
        files: Content by relative path.
        onto: Cached folders to which they are added, such as third-party packages. Their names stand for their content.

    Raises:
        AssetError: When two of the folders hold different files of the same name.
    """

    def write(folder: Path) -> None:
        for base in onto:
            _add(base, folder)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return cached(bundles_folder() / content_hash(files, onto="+".join(base.name for base in onto)), write)


def _add(base: Path, folder: Path) -> None:
    """Copy a folder's content into another."""
    for source in base.rglob("*"):
        target = folder / source.relative_to(base)
        if target.is_file() and target.read_bytes() != source.read_bytes():
            raise AssetError(f"two versions of {source.relative_to(base)} among the packages that one asset needs")
    shutil.copytree(base, folder, dirs_exist_ok=True)


def cached(folder: Path, write: Callable[[Path], None]) -> Path:
    """Return a folder, filled by `write` when it is not there.

    The folder appears in one step, complete or not at all, so that two processes can ask for it at once.

    Args:
        folder: Where it lies; its name follows its content.
        write: Fills the empty folder that it is given.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        write(making)
        making.chmod(0o755)
        try:
            making.replace(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder
