"""Drawing completions from the model, one token tree at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from rft_local.trainer.gguf import FloatArray
from rft_local.trainer.model import Model, logits
from rft_local.trainer.reader import TreeReader
from rft_local.trainer.shapes import padded

_BLOCK = 256


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How tokens are chosen.

    Args:
        max_tokens: Longest completion, tokens, its end included.
        temperature: Divides the logits; 0 takes the likeliest token each time (greedy).
        top_p: Draw among the likeliest tokens that together have this probability; 1 is all of them.

    Raises:
        ValueError: When a value is outside its range.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens: got {self.max_tokens}, wanted at least 1")
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature: got {self.temperature}, wanted 0 or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p: got {self.top_p}, wanted more than 0 and at most 1")

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature == 0

    @property
    def divisor(self) -> float:
        """What the logits are divided by; a greedy decoding reports the model's own probabilities."""
        return 1.0 if self.greedy else self.temperature


@dataclass
class Draw:
    """One sampled completion, token by token.

    Attributes:
        tokens: What was drawn, the end-of-turn token included.
        nodes: The tree node after which each token was drawn.
        log_probs: Log-probability of each token under the distribution it was drawn from, before `top_p`.
        entropies: Entropy of that distribution, nats.
        ended: Whether the model ended its turn; otherwise the token limit did.
    """

    tokens: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    ended: bool = False


def _spread(
    norm: jax.Array, embedding: jax.Array, epsilon: float, x: jax.Array, divisor: jax.Array | float
) -> tuple[jax.Array, jax.Array, jax.Array]:
    scaled = logits(norm, embedding, epsilon, x) / divisor
    shifted = scaled - scaled.max(axis=-1, keepdims=True)
    weights = jnp.exp(shifted)
    total = weights.sum(axis=-1)
    entropy = jnp.log(total) - (weights * shifted).sum(axis=-1) / total
    weights = jnp.pad(weights, ((0, 0), (0, -weights.shape[-1] % _BLOCK)))
    return weights, weights.reshape(len(weights), -1, _BLOCK).sum(axis=-1), entropy


_spread_compiled = jax.jit(_spread, static_argnums=2)


def compile_choosing(model: Model, *, rows: int) -> None:
    """Compile the output head for `rows` nodes, a size that `shapes.padded` gives."""
    states = jnp.zeros((rows, model.architecture.width), jnp.float32)
    _spread_compiled.lower(model.norm, model.embedding, model.architecture.epsilon, states, 1.0).compile()


class NextToken:
    """The distributions of the next token after some nodes.

    A draw inverts the cumulative distribution in two steps, block of tokens and token, because a full cumulative sum
    over 49,152 tokens a node would cost more than the output head's softmax.

    Args:
        model: For the output head.
        states: States leaving the last layer, [nodes, width].
        decoding: How tokens are chosen.
    """

    def __init__(self, model: Model, states: FloatArray, decoding: Decoding) -> None:
        rows = np.zeros((padded(len(states)), states.shape[1]), np.float32)
        rows[: len(states)] = states
        weights, blocks, entropy = _spread_compiled(
            model.norm, model.embedding, model.architecture.epsilon, rows, decoding.divisor
        )
        self._decoding = decoding
        self._weights: FloatArray = np.asarray(weights)
        self._blocks: npt.NDArray[np.float64] = np.cumsum(np.asarray(blocks, np.float64), axis=-1)
        self.entropy: FloatArray = np.asarray(entropy)

    def draw(self, row: int, uniform: float) -> int:
        """Return a token for `row`; `uniform` in [0, 1) is its luck."""
        if self._decoding.greedy:
            return int(self._weights[row].argmax())
        if self._decoding.top_p < 1:
            return self._draw_nucleus(row, uniform)
        blocks = self._blocks[row]
        target = uniform * blocks[-1]
        block = int(np.searchsorted(blocks, target, side="right"))
        inside = np.cumsum(self._weights[row, block * _BLOCK : (block + 1) * _BLOCK], dtype=np.float64)
        target -= blocks[block - 1] if block else 0.0
        # Block sums are rounded apart from these, so a target can lie a hair past the last token with any weight.
        last = int(np.searchsorted(inside, inside[-1], side="left"))
        return block * _BLOCK + min(int(np.searchsorted(inside, target, side="right")), last)

    def log_prob(self, row: int, token: int) -> float:
        """Return the log-probability of `token` in `row`."""
        return float(np.log(np.float64(self._weights[row, token]) / self._blocks[row, -1]))

    def _draw_nucleus(self, row: int, uniform: float) -> int:
        order = np.argsort(-self._weights[row], kind="stable")
        cumulative = np.cumsum(self._weights[row, order], dtype=np.float64)
        kept = int(np.searchsorted(cumulative, self._decoding.top_p * cumulative[-1], side="left")) + 1
        return int(order[np.searchsorted(cumulative[:kept], uniform * cumulative[kept - 1], side="right")])


def sample(
    model: Model,
    reader: TreeReader,
    leaves: Sequence[int],
    *,
    luck: npt.NDArray[np.float64],
    decoding: Decoding,
    ends: Collection[int],
) -> list[Draw]:
    """Draw one completion for each entry of `leaves`.

    Completions that agree so far share a node, so the model runs once for all of them; finished ones cost nothing.

    Args:
        model: For the output head.
        reader: Holds the prompts' tree; completions are added to it.
        leaves: The last node of each completion's prompt; a prompt with several samples is repeated.
        luck: A number in [0, 1) for each completion and token, [completions, max_tokens].
        decoding: How tokens are chosen.
        ends: Tokens that end the turn.
    """
    draws = [Draw() for _ in leaves]
    at = list(leaves)
    live = list(range(len(leaves)))
    for step in range(decoding.max_tokens):
        reader.read()
        nodes = sorted({at[index] for index in live})
        row_of = {node: row for row, node in enumerate(nodes)}
        following = NextToken(model, reader.final[nodes], decoding)
        for index in live:
            node, draw = at[index], draws[index]
            row = row_of[node]
            token = following.draw(row, luck[index, step])
            draw.nodes.append(node)
            draw.tokens.append(token)
            draw.log_probs.append(following.log_prob(row, token))
            draw.entropies.append(float(following.entropy[row]))
            draw.ended = token in ends
        live = [index for index in live if not draws[index].ended]
        if not live or step + 1 == decoding.max_tokens:
            break
        for index in live:
            at[index] = reader.tree.child(at[index], draws[index].tokens[-1])
    return draws
