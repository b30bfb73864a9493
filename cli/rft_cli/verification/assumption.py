"""What the platform relies on although AWS does not document it, as data."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Assumption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of them.

    Args:
        id: Its name.
        statement: What is taken for true.
        source: The best evidence there is: AWS's `docs`, a `blog` of AWS, `source` code that AWS published, the service
            `model`, our own `reading` of a page, or `none`.
        relied_on_by: Modules, commands or pages.
        if_false: What follows when it is false.
        switch: What to set then; empty: nothing has to be set.
        embedded: The option of `rft local up --set` whose other values make it false; empty: there is none.
        looks: How it is observed; empty: it is not.
        unseen: Why it is not observed.
        full: Whether only a job that trains to its end shows it.
    """

    id: str
    statement: str
    source: Literal["docs", "blog", "source", "model", "reading", "none"]
    relied_on_by: tuple[str, ...]
    if_false: str
    switch: str = ""
    embedded: str = ""
    looks: str = ""
    unseen: str = ""
    full: bool = False

    def __post_init__(self) -> None:
        if bool(self.looks) == bool(self.unseen):
            raise ValueError(f"assumption {self.id}: wanted either `looks` or `unseen`")


@cache
def assumptions() -> tuple[Assumption, ...]:
    """Return all of them, in the order of their file."""
    text = files(__package__).joinpath("assumptions.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert({"id": name, **told}, Assumption) for name, told in tomllib.loads(text).items())
