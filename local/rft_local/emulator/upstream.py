"""The pinned emulator underneath (ministack) and the one way its private names are reached.

Every patch goes through `require`, `replace` and `wrap`, and every name is listed in `names.TOUCHED`, so a changed
ministack is found when the emulator starts, by name, and never as a wrong answer in the middle of a run.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

from rft_local.emulator.names import TOUCHED

PINNED_VERSION = "1.5.33"


class IncompatibleMinistackError(Exception):
    """The installed ministack is not the one the patches were written for."""


def check() -> None:
    """Refuses any ministack but the pinned one, and one that lacks a name the patches touch.

    Raises:
        IncompatibleMinistackError: Naming what was found, what is wanted and the command that installs it.
    """
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        found = "(none)"
    if found != PINNED_VERSION:
        raise IncompatibleMinistackError(
            f"ministack {found} is installed, the patches need ministack=={PINNED_VERSION}: "
            f"pip install ministack=={PINNED_VERSION}"
        )
    for module, names in TOUCHED.items():
        for name in names:
            require(module, name)


def require(module: str, name: str) -> Any:
    """Returns one attribute of a ministack module.

    Args:
        module: Dotted path below `ministack`, for example `services.stepfunctions`.
        name: The attribute, usually private; dotted for an attribute of a class.

    Returns:
        The attribute, untyped: ministack has no type hints.

    Raises:
        IncompatibleMinistackError: When there is no such attribute, or it is not listed in `names.TOUCHED`.
    """
    if name not in TOUCHED.get(module, ()):
        raise IncompatibleMinistackError(f"ministack.{module}.{name} is not listed in rft_local.emulator.names.TOUCHED")
    try:
        return functools.reduce(getattr, name.split("."), importlib.import_module(f"ministack.{module}"))
    except (ImportError, AttributeError):
        raise IncompatibleMinistackError(
            f"ministack.{module} has no {name!r}: the patches need exactly ministack=={PINNED_VERSION}"
        ) from None


def replace(module: str, name: str, value: object) -> None:
    """Puts `value` in the place of an existing attribute of a ministack module.

    Raises:
        IncompatibleMinistackError: When there is no such attribute to replace.
    """
    require(module, name)
    *owners, last = name.split(".")
    setattr(functools.reduce(getattr, owners, importlib.import_module(f"ministack.{module}")), last, value)


def wrap(module: str, name: str, wrapper: Callable[..., Any]) -> None:
    """Replaces a function by one that receives the original as its first argument.

    Args:
        module: Dotted path below `ministack`.
        name: The function to wrap.
        wrapper: Called as `wrapper(original, *arguments)` each time the function is called.

    Raises:
        IncompatibleMinistackError: When there is no such function.
    """
    original = require(module, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        return wrapper(original, *arguments, **options)

    replace(module, name, wrapped)
