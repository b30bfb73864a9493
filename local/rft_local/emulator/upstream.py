"""The pinned emulator underneath (ministack) and the one way its private names are reached.

Every patch goes through `require` and `replace`, so a changed ministack is found when the emulator starts, by name,
and never as a wrong answer in the middle of a run.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

PINNED_VERSION = "1.5.33"


class IncompatibleMinistackError(Exception):
    """The installed ministack is not the one the patches were written for."""


def check_version() -> None:
    """Refuses any ministack but the pinned one.

    Raises:
        IncompatibleMinistackError: Naming the version found, the version wanted and the command that installs it.
    """
    found = importlib.metadata.version("ministack")
    if found != PINNED_VERSION:
        raise IncompatibleMinistackError(
            f"ministack {found} is installed, the patches need ministack=={PINNED_VERSION}: "
            f"pip install ministack=={PINNED_VERSION}"
        )


def require(module: str, name: str) -> Any:
    """Returns one attribute of a ministack module.

    Args:
        module: Dotted path below `ministack`, for example `services.stepfunctions`.
        name: The attribute, usually private.

    Returns:
        The attribute, untyped: ministack has no type hints.

    Raises:
        IncompatibleMinistackError: When the module or the attribute does not exist.
    """
    try:
        return getattr(importlib.import_module(f"ministack.{module}"), name)
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
    setattr(importlib.import_module(f"ministack.{module}"), name, value)


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

    wrapped.__wrapped__ = original  # type: ignore[attr-defined]  # functions take attributes at run time
    replace(module, name, wrapped)
