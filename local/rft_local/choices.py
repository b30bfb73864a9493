"""What a part of the embedded AWS does where AWS does not say, as options of its command line."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Base of dataclasses whose every field is a `StrEnum` and an option, such as `job_events` of `--job-events`.

    A field's default is what is done unless somebody chooses; the docstring of its class is the help of the option.
    """

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Return the choices that some fields were given, and the default of the others.

        Args:
            values: Values by the names of fields.

        Raises:
            ValueError: For a field that is not there, and for a value that it cannot have.
        """
        kinds = {name: type(default) for name, default in cls._defaults().items()}
        if unknown := values.keys() - kinds.keys():
            raise ValueError(f"got {', '.join(sorted(unknown))}, wanted some of {', '.join(kinds)}")
        chosen: Mapping[str, object] = {name: kinds[name](value) for name, value in values.items()}
        return cls(**chosen)

    @classmethod
    def from_options(cls, asked: argparse.Namespace) -> Self:
        """Return what somebody chose on a command line that has the options of `add_options`."""
        return cls.of({name: getattr(asked, name) for name in cls._defaults()})

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Let somebody choose on a command line."""
        for option, default in zip(cls.options(), cls._defaults().values(), strict=True):
            words = (type(default).__doc__ or "").rstrip(".")
            parser.add_argument(
                option,
                choices=[item.value for item in type(default)],
                default=default.value,
                help=f"{words} (default {default})",
            )

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Return the options' names, such as `--job-events`."""
        return tuple(f"--{name.replace('_', '-')}" for name in cls._defaults())

    @classmethod
    def _defaults(cls) -> dict[str, StrEnum]:
        return {field.name: field.default for field in fields(cls) if isinstance(field.default, StrEnum)}
