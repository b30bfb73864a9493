"""The stand-in: the small real model that answers and learns where Amazon Bedrock's models are out of reach."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from rft_local.trainer.adapter import Adapter, fold
from rft_local.trainer.compilation import keep_compiled
from rft_local.trainer.gguf import Gguf
from rft_local.trainer.model import Layer, Model
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.sampling import Decoding, Draw, sample
from rft_local.trainer.tokenizer import ChatTokenizer

Message: TypeAlias = Mapping[str, str]
"""One turn: `role` (system, user, assistant) and `content`."""

_TREE_NODES = 4096
"""Most nodes of one tree, full-length completions counted; attention looks at all of them."""

_LEAST_TRUNK = 64
"""Tokens that prompts must share before what the model remembers of them is kept for the next call."""

_TRUNK_SLACK = 32
"""Tokens by which a kept trunk may fall short of what the prompts of a call share, before a longer one replaces it."""

_FOLDED_ADAPTERS = 2
"""Adapters kept multiplied into the weights; each takes 142 MB with SmolLM2-135M."""


@dataclass(frozen=True)
class Completion:
    """One sampled answer.

    Args:
        text: Without control tokens.
        tokens: Its length; the end-of-turn token counts.
        stop_reason: `end_turn` when the model finished, `max_tokens` when the limit did. Converse's words.
        entropy: Mean entropy of the distributions its tokens were drawn from, nats.
    """

    text: str
    tokens: int
    stop_reason: Literal["end_turn", "max_tokens"]
    entropy: float


@dataclass(frozen=True)
class _Trunk:
    """What the prompts of earlier calls began with, read once."""

    layers: Sequence[Layer]
    tokens: list[int]
    reader: TreeReader

    def carries(self, layers: Sequence[Layer], sequences: Sequence[Sequence[int]], shared: int) -> bool:
        length = len(self.tokens)
        return (
            layers is self.layers
            and length >= shared - _TRUNK_SLACK
            and all(len(sequence) > length and list(sequence[:length]) == self.tokens for sequence in sequences)
        )


@dataclass(frozen=True)
class Group:
    """The draws of one prompt and the tree they lie in.

    Args:
        prompt: The prompt's index in the call.
        reader: Holds the tree; several groups can share it.
        draws: One for each sample.
    """

    prompt: int
    reader: TreeReader
    draws: list[Draw]


class StandIn:
    """A loaded model with its tokenizer.

    Args:
        model: The weights.
        tokenizer: Made for it.
    """

    def __init__(self, model: Model, tokenizer: ChatTokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.context_tokens = model.architecture.context_tokens
        self._folded: OrderedDict[Adapter, tuple[Layer, ...]] = OrderedDict()
        self._trunk: _Trunk | None = None

    @classmethod
    def load(cls, weights: Path) -> "StandIn":
        """Load a GGUF file; compiled programs are kept beside it from then on.

        Raises:
            GgufError: When the file is not a GGUF model that can be read here.
        """
        keep_compiled(weights.parent)
        gguf = Gguf.open(weights)
        return cls(Model.from_gguf(gguf), ChatTokenizer(gguf))

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the prompt's length as the model sees it, chat markup included, tokens."""
        return len(self.tokenizer.encode_chat(messages))

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Adapter | None,
        samples: int,
        max_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> list[list[Completion]]:
        """Answer prompts.

        Args:
            prompts: Conversations; each ends where the assistant shall speak.
            adapter: From training. None: the base model.
            samples: Completions of each prompt.
            max_tokens: Longest completion, tokens.
            temperature: 0 is greedy.
            top_p: Nucleus; 1 draws from all tokens.
            seed: Of the draws. A prompt's draws depend on it and the prompt's index, not on the other prompts.

        Returns:
            For each prompt its completions.

        Raises:
            ValueError: When a value is out of range or a prompt does not fit the context.
        """
        decoding = Decoding(max_tokens=max_tokens, temperature=temperature, top_p=top_p)
        sequences = [self.tokenizer.encode_chat(messages) for messages in prompts]
        for index, sequence in enumerate(sequences):
            if len(sequence) + max_tokens > self.context_tokens:
                raise ValueError(
                    f"prompt {index}: got {len(sequence)} tokens and max_tokens {max_tokens}, the model's context "
                    f"holds {self.context_tokens} together; shorten the prompt"
                )
        layers = self._layers(adapter)
        answers: list[list[Completion]] = [[] for _ in prompts]
        trunk = self._shared_trunk(sequences, layers)
        for group in self.draw(sequences, layers, samples=samples, decoding=decoding, seed=(seed,), trunk=trunk):
            answers[group.prompt] = [self.completion(draw) for draw in group.draws]
        return answers

    def draw(
        self,
        sequences: Sequence[Sequence[int]],
        layers: Sequence[Layer],
        *,
        samples: int,
        decoding: Decoding,
        seed: Sequence[int],
        frozen: int = 0,
        trunk: TreeReader | None = None,
    ) -> Iterator[Group]:
        """Draw completions of tokenized prompts.

        Args:
            sequences: Token ids of each prompt.
            layers: To read with, an adapter folded in.
            samples: Completions of each prompt.
            decoding: How tokens are chosen.
            seed: Of the draws.
            frozen: Layers that training leaves alone (see `TreeReader`).
            trunk: Has read what all sequences begin with, with the same layers. None: nothing is read yet.

        Yields:
            Each prompt's group, in order.
        """

        def root() -> TreeReader:
            return trunk.branch() if trunk else TreeReader(self.model, layers, frozen=frozen)

        shape = (samples, decoding.max_tokens)
        ends = frozenset({self.tokenizer.end_of_turn})
        for reader, leaves in self._plant(sequences, samples * decoding.max_tokens, root):
            luck = [np.random.default_rng([*seed, prompt]).random(shape) for prompt in leaves]
            rows = [leaf for leaf in leaves.values() for _ in range(samples)]
            draws = sample(self.model, reader, rows, luck=np.concatenate(luck), decoding=decoding, ends=ends)
            for index, prompt in enumerate(leaves):
                yield Group(prompt, reader, draws[index * samples : (index + 1) * samples])

    def completion(self, draw: Draw) -> Completion:
        """Return what a draw says."""
        return Completion(
            text=self.tokenizer.decode(draw.tokens),
            tokens=len(draw.tokens),
            stop_reason="end_turn" if draw.ended else "max_tokens",
            entropy=float(np.mean(draw.entropies)),
        )

    def _plant(
        self, sequences: Sequence[Sequence[int]], room: int, root: Callable[[], TreeReader]
    ) -> Iterator[tuple[TreeReader, dict[int, int]]]:
        """Put prompts into trees, as many into one as fit; yields each tree with the last node of each prompt."""
        reader, leaves = root(), dict[int, int]()
        for prompt, sequence in enumerate(sequences):
            size = reader.tree.size + reader.tree.missing(sequence) + room * (len(leaves) + 1)
            if leaves and size > _TREE_NODES:
                yield reader, leaves
                reader, leaves = root(), {}
            leaves[prompt] = reader.tree.insert(sequence)
        if leaves:
            yield reader, leaves

    def _shared_trunk(self, sequences: Sequence[Sequence[int]], layers: Sequence[Layer]) -> TreeReader | None:
        """Return a reader of what all prompts begin with: the few-shot examples that prompts of a dataset share."""
        shared = _shared_tokens(sequences)
        if self._trunk is None or not self._trunk.carries(layers, sequences, shared):
            if len(sequences) < 2 or shared < _LEAST_TRUNK:
                return None
            tokens = list(sequences[0][:shared])
            reader = TreeReader(self.model, layers, frozen=0)
            reader.tree.insert(tokens)
            reader.read()
            self._trunk = _Trunk(layers, tokens, reader)
        return self._trunk.reader

    def _layers(self, adapter: Adapter | None) -> tuple[Layer, ...]:
        if adapter is None:
            return self.model.layers
        if adapter not in self._folded:
            self._folded[adapter] = fold(self.model, adapter)
            if len(self._folded) > _FOLDED_ADAPTERS:
                self._folded.popitem(last=False)
        self._folded.move_to_end(adapter)
        return self._folded[adapter]


def _shared_tokens(sequences: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all sequences begin with, less the last of the shortest, which is always read anew."""
    most = min(map(len, sequences), default=1) - 1
    first = sequences[0] if sequences else ()
    return next(
        (index for index in range(most) if any(sequence[index] != first[index] for sequence in sequences)), most
    )
