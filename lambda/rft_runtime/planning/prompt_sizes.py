"""How much a dataset's prompts are, as far as Plan needs it: rows, tokens as a range, and a digest."""

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from rft_dataset.prompt_lengths import token_range
from rft_dataset.reading import open_lines
from rft_dataset.records import Row
from rft_runtime.planning.quantity import Quantity


@dataclass(frozen=True)
class PromptSizes:
    """The prompts of one dataset.

    Args:
        digest: SHA-256 of its lines, so that the same rows, compressed or not, have the same one.
        fewest: Tokens of each prompt, at least.
        most: Tokens of each prompt, at most.
    """

    digest: str = ""
    fewest: Sequence[int] = ()
    most: Sequence[int] = ()

    @property
    def rows(self) -> int:
        """Number of rows, good or bad."""
        return len(self.most)

    @property
    def tokens(self) -> Quantity:
        """Tokens of all prompts."""
        return Quantity(sum(self.fewest), sum(self.most))

    def kept(self, longest: int) -> Quantity:
        """Return how many prompts are left when the longer ones are dropped.

        Args:
            longest: `maxPromptLength`.
        """
        return Quantity(sum(most <= longest for most in self.most), sum(fewest <= longest for fewest in self.fewest))

    def kept_tokens(self, longest: int) -> Quantity:
        """Return the tokens of the prompts that are left when the longer ones are dropped.

        Args:
            longest: `maxPromptLength`.
        """
        pairs = list(zip(self.fewest, self.most, strict=True))
        return Quantity(
            sum(fewest for fewest, most in pairs if most <= longest),
            sum(min(most, longest) for fewest, most in pairs if fewest <= longest),
        )


def read_prompt_sizes(stream: BinaryIO) -> PromptSizes:
    """Read a dataset once. A line that is no row counts as long as it is: Validate says what is wrong with it.

    Args:
        stream: A file, an S3 body or anything else with `read`.

    Raises:
        DamagedGzip: When it is compressed and broken.
    """
    digest, fewest, most = hashlib.sha256(), array("L"), array("L")
    decoder = msgspec.json.Decoder(Row)
    for line in open_lines(stream)[0]:
        digest.update(line)
        digest.update(b"\n")
        try:
            low, high = token_range(decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            low, high = 0, len(line)
        fewest.append(low)
        most.append(high)
    return PromptSizes(digest.hexdigest(), fewest, most)
