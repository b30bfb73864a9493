"""`rft dataset sample-logs`: logs that are too many for one machine, sampled where they lie."""

import re
from typing import Annotated

import typer

from rft_cli.cli_error import CliError
from rft_cli.commands.log_options import AnyOf, Metadata, Model, NotMetadata, Seed, Stratify, log_filter
from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say

_DAY = re.compile(r"\d{4}(/\d{2}){0,3}")


def sample_logs(
    name: Annotated[str, typer.Option(help="What to call the sample; the same command again finds it by its name.")],
    day: Annotated[
        str | None, typer.Option(metavar="YYYY/MM/DD", help="Only logs of a day, UTC; a month or an hour will do too.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Only logs whose keys go on in this way after the environment's own prefix.")
    ] = None,
    size: Annotated[int, typer.Option(help="Prompts at most.", min=1, max=20_000)] = 1_000,
    metadata: Metadata = None,
    not_metadata: NotMetadata = None,
    any_of: AnyOf = False,
    model: Model = None,
    stratify: Stratify = None,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Every call counts, not every prompt: for `rft dataset compare`.")
    ] = False,
    seed: Seed = 0,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end. Ctrl-C leaves it alone.")] = False,
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Sample the invocation logs of an environment there, on many machines; from-logs merges what they drew.

    All logs are sampled unless --day or --prefix name some. The logs must be named in the environment's config.
    """
    from rft_cli.cloud_sample import SUCCEEDED, CloudSampler
    from rft_cli.dataset_logs import CANDIDATES
    from rft_cli.environment import open_environment
    from rft_runtime.log_sampling import Sampling

    sampling = Sampling(
        size=size if repeats else CANDIDATES * size,
        seed=seed,
        by=stratify,
        wanted=log_filter(metadata, not_metadata, any_of=any_of, model=model),
        distinct=not repeats,
    )
    below = _below(day, prefix)
    environment = open_environment(env, stack)
    sampler = CloudSampler(environment)
    sample = sampler.start(name, below, sampling)
    if wait:
        with progress(f"sampling {name}") as tell:
            sample = sampler.wait(name, tell)
    if json:
        print_json(sample)
        return
    out().print(sample.shards, markup=False, soft_wrap=True)
    local = " --env local" if environment.is_local else ""
    then = (
        f"rft dataset compare TRAIN --logs {sample.shards} --size {size}{local}"
        if repeats
        else f"rft dataset from-logs {sample.shards} --output FILE --size {size} --seed {seed}{local}"
    )
    if sample.status == SUCCEEDED:
        say(f"next: {then}")
    else:
        say(f"{sample.status}; the same command with --wait tells its end. Then: {then}")


def _below(day: str | None, prefix: str | None) -> str:
    """Return how the keys of the wanted logs go on after the environment's prefix."""
    if day is None:
        return prefix or ""
    if prefix is not None:
        raise CliError("--day and --prefix: got both, wanted one")
    if not _DAY.fullmatch(day):
        raise CliError(f"--day: got {day!r}, wanted YYYY/MM/DD, as in the keys of logs")
    return f"{day}/"
