"""How much a dataset's prompts are, as far as Plan needs it: rows, groups, tokens as a range, and a digest."""

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from rft_dataset.prompt_lengths import token_range
from rft_dataset.raw_value import key_of
from rft_dataset.reading import open_lines
from rft_dataset.records import Row, folded
from rft_runtime.planning.quantity import Quantity


@dataclass(frozen=True)
class PromptSizes:
    """The prompts of one dataset.

    Args:
        digest: SHA-256 of its different prompts, sorted: the same for the same ones compressed or not, in any order,
            with any references and system turn, whatever their case and whitespace.
        fewest: Tokens of each prompt, at least.
        most: Tokens of each prompt, at most.
        grouped: Rows that name a `group`.
        groups: How many different ones.
    """

    digest: str = ""
    fewest: Sequence[int] = ()
    most: Sequence[int] = ()
    grouped: int = 0
    groups: int = 0

    @property
    def rows(self) -> int:
        """Number of rows, good or bad."""
        return len(self.most)

    @property
    def units(self) -> int:
        """Number of rows and groups of rows that say something independent of each other."""
        return self.rows - self.grouped + self.groups

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
    prompts: set[bytes] = set()
    grouped, groups = 0, set[int]()
    fewest, most = array("L"), array("L")
    decoder = msgspec.json.Decoder(Row)
    for line in open_lines(stream)[0]:
        try:
            row = decoder.decode(line)
            low, high = token_range(row)
            prompt = folded(row.asked()).encode("utf-8", "surrogatepass")
            if row.has_group():
                groups.add(key_of(row.group))
                grouped += 1
        except (msgspec.MsgspecError, ValueError, RecursionError):
            low, high = 0, len(line)
            prompt = line
        prompts.add(hashlib.sha256(prompt).digest())
        fewest.append(low)
        most.append(high)
    digest = hashlib.sha256(b"".join(sorted(prompts))).hexdigest()
    return PromptSizes(digest, fewest, most, grouped, len(groups))
