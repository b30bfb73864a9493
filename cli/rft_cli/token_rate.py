"""Characters a token, counted by the base model itself: it says how long a prompt was in every answer's `usage`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.recipe import Recipe

COUNTED = 50
"""Prompts that are asked."""

_MARGIN = 0.05
"""By how much the range is widened: of many prompts, some are beyond the extremes of fifty."""

_AT_ONCE = 4


def measured_rate(environment: Environment, recipe: Recipe, train: Path) -> tuple[float, float]:
    """Return the fewest and the most characters that a token of the base model stands for, in a sample of the prompts.

    Each sampled prompt is asked once, for one token, which is billed as any request is.

    Args:
        environment: Where the base model answers.
        recipe: Names the base model.
        train: The training prompts.

    Raises:
        CliError: When the environment's model is a stand-in for the recipe's, or no row is sound.
    """
    from rft_runtime.base_models import base_model
    from rft_runtime.conversation import Decoding, converse_request

    client = environment.aws.bedrock_runtime
    model = base_model(recipe.base_model, client.meta.region_name)
    if environment.is_local and not model.embedded_only:
        raise CliError(
            f"--count-tokens: environment {environment.name} has a stand-in for {recipe.base_model}, whose tokens are "
            "others; name an environment in AWS with --env"
        )
    decoding = Decoding(max_tokens=1, temperature=0.0)

    def rate(prompt: tuple[int, dict[str, object]]) -> float:
        characters, row = prompt
        answer = client.converse(**converse_request(model.inference_id, row, decoding, model))
        return characters / answer["usage"]["inputTokens"]

    prompts = list(_sampled(train))
    if not prompts:
        raise CliError(f"--count-tokens: {train} has no sound row; `rft validate` without it says why")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rates = list(pool.map(rate, prompts))
    return min(rates) * (1 - _MARGIN), max(rates) * (1 + _MARGIN)


def _sampled(train: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield characters and rows of a sample, the same for the same file."""
    import msgspec

    from rft_dataset.prompt_lengths import prompt_text
    from rft_dataset.reading import open_lines
    from rft_dataset.records import Row
    from rft_dataset.sampling import StratifiedSample

    sample = StratifiedSample(COUNTED, seed=0)
    with train.open("rb") as stream:
        for number, line in enumerate(open_lines(stream)[0]):
            sample.offer("all", str(number), line)
    for line in sample.draw():
        try:
            yield len(prompt_text(msgspec.json.decode(line, type=Row))), msgspec.json.decode(line)
        except msgspec.MsgspecError:
            continue
