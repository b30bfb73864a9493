"""A model small enough to train in a test: two layers, 32 wide, with bytes for tokens."""

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel

from rft_local.trainer.gguf import Gguf
from rft_local.trainer.model import Architecture, Model
from rft_local.trainer.stand_in import StandIn
from rft_local.trainer.tokenizer import ChatTokenizer

ARCHITECTURE = Architecture(
    layers=2,
    width=32,
    heads=4,
    kv_heads=2,
    head_width=8,
    rope_base=10_000.0,
    epsilon=1e-5,
    context_tokens=512,
)
TEXT = sorted(ByteLevel.alphabet())
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END = CONTROL.index("<|im_end|>")


def tiny_tokenizer() -> ChatTokenizer:
    """Return a tokenizer whose tokens are the bytes."""
    tokens = [*CONTROL, *TEXT]
    return ChatTokenizer(
        Gguf(
            {
                "tokenizer.ggml.tokens": list(tokens),
                "tokenizer.ggml.token_type": [3 if token in CONTROL else 1 for token in tokens],
                "tokenizer.ggml.merges": [],
                "tokenizer.ggml.eos_token_id": END,
            },
            {},
            np.zeros(0, np.uint8),
        )
    )


def tiny_model(seed: int = 0) -> Model:
    """Return an untrained model."""
    return Model.random(ARCHITECTURE, vocabulary=len(CONTROL) + len(TEXT), mlp_width=64, seed=seed)


def tiny_stand_in(seed: int = 0) -> StandIn:
    """Return an untrained stand-in."""
    return StandIn(tiny_model(seed), tiny_tokenizer())
