"""`rft release verify` and `export`: from what a person names to the checks of a release's evidence."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.pinned_key import PinnedKey, ask_for_key, read_pinned_key
from rft_cli.recipe_commit import commit_time
from rft_cli.recipe_file import read_recipe
from rft_cli.release_checks import Check, Expected, Verdict, Verified, verify
from rft_cli.release_in_place import check_releases, check_sources
from rft_cli.releases import find_number
from rft_cli.run_start import deployed_reward_hash, local_files
from rft_contract.layout import evidence_key
from rft_contract.naming import check_line

_COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.NOT_CHECKED: "dim"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person wants to be sure of.

    Args:
        line: The model line. None: that of the recipe.
        number: The release. None: the live one of an environment, any one of a file.
        newer_than: A release that is known already.
        recipe: The recipe's file.
        reward_sha256: Hash of the reward.
        current_reward: Whether it must be that of the recipe's reward function as the environment has it now.
        sources: Whether datasets, report and reward are read again where they lie.
    """

    line: str | None = None
    number: int | None = None
    newer_than: int | None = None
    recipe: Path | None = None
    reward_sha256: str | None = None
    current_reward: bool = False
    sources: bool = False


def verify_file(path: Path, key: PinnedKey, wanted: Wanted) -> Verified:
    """Verify a file of evidence, with nothing but a key.

    Args:
        path: What `rft release export` wrote.
        key: Whose signature is believed.
        wanted: What else is known.

    Raises:
        CliError: When the file cannot be read, or nobody said which line is wanted.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None
    return verify(body, _expected(key, wanted))


def verify_in_place(environment: Environment, key: PinnedKey, wanted: Wanted) -> Verified:
    """Verify a release where it lies.

    Args:
        environment: Where it was released.
        key: Whose signature is believed.
        wanted: Which release, and what else is known.

    Raises:
        CliError: When there is no such release.
    """
    expected = _expected(key, wanted)
    if wanted.current_reward and expected.recipe is not None:
        expected = replace(expected, reward_sha256=deployed_reward_hash(environment, expected.recipe.reward))
    number = find_number(environment, expected.line, wanted.number)
    verified = verify(_evidence(environment, expected.line, number), replace(expected, number=number))
    if verified.statement is None or verified.evidence is None:
        return verified
    found = [*verified.checks, *check_releases(environment, verified.statement, verified.evidence)]
    if wanted.sources and all(check.verdict is Verdict.PASSED for check in found if check.name == "manifest"):
        found += check_sources(environment, verified.statement, verified.evidence.release)
    return Verified(tuple(found), verified.statement, verified.evidence)


def export(environment: Environment, line: str, number: int | None) -> tuple[int, bytes]:
    """Return a release's number and the file of its evidence.

    Args:
        environment: Where it was released.
        line: The model line.
        number: Of the release. None: the live one.

    Raises:
        CliError: When there is no such release, or it was never signed.
    """
    found = find_number(environment, line, number)
    return found, _evidence(environment, line, found)


def key_to_believe(path: Path | None, environment: Environment | None) -> PinnedKey:
    """Return the public key: the pinned one, else the one that an environment's KMS tells.

    Args:
        path: File of the pinned key.
        environment: Whose KMS to ask without one.

    Raises:
        CliError: When there is neither.
    """
    if path is not None:
        return read_pinned_key(path)
    if environment is None:
        raise CliError(
            "a file cannot vouch for itself: give the key that you keep with --public-key (`rft release public-key` "
            "prints it), or name the environment with --env to ask its KMS"
        )
    return ask_for_key(environment)


def table(checks: tuple[Check, ...]) -> Table:
    """Return the checks for a terminal."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for check in checks:
        says = f"{check.says}: {check.remedy}" if check.remedy else check.says
        drawn.add_row(Text(check.verdict.value, _COLOURS[check.verdict]), Text(check.name), Text(says))
    return drawn


def _expected(key: PinnedKey, wanted: Wanted) -> Expected:
    recipe = None if wanted.recipe is None else read_recipe(wanted.recipe)
    line = wanted.line if recipe is None or wanted.line is not None else recipe.line
    if line is None:
        raise CliError("which line is wanted? say --line, or give the --recipe, which names it")
    files = {} if recipe is None or wanted.recipe is None else local_files(recipe.datasets, wanted.recipe.parent)
    return Expected(
        key=key,
        line=check_line(line),
        number=wanted.number,
        newer_than=wanted.newer_than,
        recipe=recipe,
        decided=None if wanted.recipe is None else commit_time(wanted.recipe),
        data={split: _digest(path) for split, path in files.items()},
        reward_sha256=wanted.reward_sha256,
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CliError(f"{path}: {error.strerror or error}") from None


def _evidence(environment: Environment, line: str, number: int) -> bytes:
    key = evidence_key(line, number)
    found = environment.bucket.find(key)
    if found is None:
        raise CliError(
            f"release {number} of line {line} has no signed evidence at {environment.bucket.address(key)}: it was made "
            "by a version that did not sign, or somebody deleted it; run the recipe again"
        )
    return found[0]
