"""What the asset of a reward holds, before it is for any platform."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bedrock_rft._assets import AssetError, assemble, content_hash, folder_files
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.import_closure import import_closure, imported_modules
from bedrock_rft.third_party import Lock, grader_lock, handlers_lock, third_party
from rft_contract.graders import GRADERS
from rft_contract.json_value import canonical
from rft_contract.reward_file import YAML_NAME, read_reward
from rft_contract.reward_needs import SERVICE_MODULES, graders_of, judge_models_of, services_of
from rft_contract.reward_spec import FILE_NAME, RewardSpec

OWN = "own"
"""The grader that calls its author's function `score`."""

REQUIREMENTS = "requirements.txt"
"""Locked packages of a reward's folder."""

_HANDLER = "rft_handlers.reward.handler"
_OWN_MODULE = "reward"
_NOT_IN_ASSETS = frozenset({YAML_NAME, REQUIREMENTS, "requirements.in", "cases.json", "README.md"})
"""What a reward's folder holds for people and for the certificate, so that an edit changes no function."""


@dataclass(frozen=True)
class RewardContent:
    """A reward's code.

    Args:
        name: What recipes call the reward.
        handler: The function's entry point.
        files: Content by path in the asset, without third-party packages.
        locks: The packages that it needs besides.
        services: What its graders need besides, by the names of `rft_contract.graders`.
        judge_models: Ids of the models that its judges are.
        spec: What it is made of. None: it is its author's own handler.
    """

    name: str
    handler: str
    files: Mapping[str, bytes]
    locks: tuple[Lock, ...] = ()
    services: frozenset[str] = frozenset()
    judge_models: tuple[str, ...] = ()
    spec: RewardSpec | None = None

    @property
    def reward_hash(self) -> str:
        """Names the code on every platform: of the files and of the text of the locks."""
        locked = {f"third-party/{number}.lock": lock.content for number, lock in enumerate(self.locks)}
        return content_hash({**self.files, **locked})

    def folder(self, platform: HandlerPlatform) -> Path:
        """Return the asset's folder for a platform.

        Raises:
            AssetError: When packages are not cached and cannot be fetched.
        """
        return assemble(self.files, onto=[third_party(lock, platform) for lock in self.locks])


def reward_content(source: RewardSpec | Path) -> RewardContent:
    """Return the code of a reward.

    Args:
        source: Which graders it is made of, or its YAML file, or its folder: one with a `reward.yaml`, or with a
            `reward.py` that defines `score(sample)` or `handler(event, context)`.

    Raises:
        ValueError: One line, when the reward says something that cannot be.
        AssetError: When files are missing or cannot be read.
    """
    if isinstance(source, RewardSpec):
        return _of_spec(source, None)
    path = source.resolve()
    if not path.is_dir():
        return _of_yaml(path)
    return _of_yaml(path / YAML_NAME) if (path / YAML_NAME).is_file() else own_content(path)


def own_content(folder: Path, *, name: str | None = None, handler: str | None = None) -> RewardContent:
    """Return the code of a reward that is a folder with its author's Python.

    Args:
        folder: The folder, absolute.
        name: What recipes call the reward. Default: - the folder's name.
        handler: `module.function` of a function that takes Bedrock's event. Default: - `reward.handler`; where
            `reward.py` has none, its function `score`, which is called for each sample.

    Raises:
        ValueError: When the name is illegal.
        AssetError: When the folder has no such module, or the module no such function.
    """
    name = name or folder.name
    module, function = (handler or f"{_OWN_MODULE}.handler").rsplit(".", 1)
    path = folder / f"{module.replace('.', '/')}.py"
    if not path.is_file():
        raise AssetError(f"reward {name}: needs the file {path}, which does not exist")
    defined = set(_defined(path, name))
    spec = RewardSpec(name=name, grader=OWN)
    if function in defined:
        return _assembled(spec.name, f"{module}.{function}", _own_files(folder, name), [], _own_locks(folder, name))
    if handler is None and "score" in defined:
        return _of_spec(spec, folder)
    wanted = f"a function {function}" if handler else "score(sample) or handler(event, context)"
    raise AssetError(f"reward {name}: {path} does not define {wanted}")


def _of_yaml(path: Path) -> RewardContent:
    """Return the code of a reward's YAML file; a grader `own` is the `reward.py` beside it."""
    from bedrock_rft.yaml_file import read_yaml  # only here: rewards that are written in Python need no YAML

    value = read_yaml(path)
    try:
        return _of_spec(read_reward(value), path.parent)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _of_spec(spec: RewardSpec, folder: Path | None) -> RewardContent:
    """Return the code of a reward made of graders.

    Args:
        spec: Which.
        folder: Where the author's own code lies. None: there is none.
    """
    graders, services = graders_of(spec), services_of(spec)
    files = {FILE_NAME: canonical(spec.to_json()).encode()}
    locks: list[Lock] = []
    if OWN in graders:
        if folder is None:
            raise ValueError(f"reward {spec.name}: the grader {OWN} is a folder's: use RewardCode.from_directory")
        files |= _own_files(folder, spec.name)
        locks += _own_locks(folder, spec.name)
    if not SERVICE_MODULES.keys().isdisjoint(services):
        locks.append(handlers_lock())
    modules = ["rft_handlers.reward", *(f"rft_rewards.{GRADERS[grader].module}" for grader in graders)]
    without = {module for service, module in SERVICE_MODULES.items() if service not in services}
    content = _assembled(spec.name, _HANDLER, files, modules, locks, without=without)
    return replace(content, services=services, judge_models=judge_models_of(spec), spec=spec)


def _assembled(
    name: str,
    handler: str,
    files: Mapping[str, bytes],
    modules: list[str],
    locks: list[Lock],
    *,
    without: set[str] | None = None,
) -> RewardContent:
    """Return a reward with what its files, and some modules, need of our packages, and with those graders' locks."""
    own_imports = [
        module for path, content in files.items() if path.endswith(".py") for module in imported_modules(content)
    ]
    ours = import_closure([*modules, *own_imports], without=without or ())
    if clash := {path.partition("/")[0] for path in files} & {path.partition("/")[0] for path in ours}:
        raise AssetError(f"reward {name}: rename {', '.join(sorted(clash))}: a package of the platform has that name")
    stems = {entry.lock: None for entry in GRADERS.values() if entry.lock and f"rft_rewards/{entry.module}.py" in ours}
    graders_locks = [grader_lock(stem) for stem in stems]
    return RewardContent(name, handler, {**files, **ours}, (*locks, *graders_locks))


def _own_files(folder: Path, name: str) -> dict[str, bytes]:
    """Return an author's files as they stand in the asset."""
    files = {
        path: content
        for path, content in folder_files(folder).items()
        if path not in _NOT_IN_ASSETS and not any(part.startswith(".") for part in path.split("/"))
    }
    if FILE_NAME in files:
        raise AssetError(f"reward {name}: rename {folder / FILE_NAME}: the platform writes a file of that name")
    return files


def _own_locks(folder: Path, name: str) -> list[Lock]:
    """Return the lock of an author's packages."""
    path = folder / REQUIREMENTS
    return [Lock(f"reward {name}", path, str(folder))] if path.is_file() and path.read_text().strip() else []


def _defined(path: Path, name: str) -> Iterator[str]:
    """Yield the names that a module binds, without importing it."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise AssetError(f"reward {name}: {path}:{error.lineno}: {error.msg}") from None
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=defined):
                yield defined
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
