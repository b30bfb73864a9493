"""Chat messages to token ids and back: SmolLM2's byte-level BPE, read from the GGUF file."""

from collections.abc import Iterable, Mapping, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rft_local.trainer.gguf import Gguf

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""The system text that SmolLM2's chat template adds when a conversation brings none (`tokenizer.chat_template`)."""

_CONTROL = 3
"""ggml's token type for tokens that are no text."""


class ChatTokenizer:
    """Renders conversations as SmolLM2 was taught to read them (ChatML).

    Control tokens are placed by the renderer only: a message that spells `<|im_end|>` is plain text to the model, so
    that no prompt can close its own turn.

    Args:
        gguf: The model's file.
    """

    def __init__(self, gguf: Gguf) -> None:
        tokens = gguf.strings("tokenizer.ggml.tokens")
        kinds = gguf.integers("tokenizer.ggml.token_type")
        merges = [pair.split(" ") for pair in gguf.strings("tokenizer.ggml.merges")]
        vocabulary = {token: index for index, token in enumerate(tokens)}
        self._bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[(left, right) for left, right in merges]))
        # llama.cpp's pre-tokenizer "smollm": digits one by one, then GPT-2's split.
        self._bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        self._bpe.decoder = decoders.ByteLevel()
        self._control = frozenset(index for index, kind in enumerate(kinds) if kind == _CONTROL)
        self._turn_start = vocabulary["<|im_start|>"]
        self.end_of_turn = gguf.integer("tokenizer.ggml.eos_token_id")
        """The token with which the model ends its answer."""

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return the ids of a conversation, up to where the assistant's next turn begins.

        Few-shot examples are earlier user and assistant turns.

        Args:
            messages: Mappings with `role` (system, user or assistant) and `content`.
        """
        turns = [(message["role"], message["content"]) for message in messages]
        if not turns or turns[0][0] != "system":
            turns.insert(0, ("system", SYSTEM))
        newline = self._text("\n")
        ids: list[int] = []
        for role, content in turns:
            ids += [self._turn_start, *self._text(f"{role}\n{content}"), self.end_of_turn, *newline]
        return [*ids, self._turn_start, *self._text("assistant\n")]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; control tokens have none."""
        return self._bpe.decode([index for index in ids if index not in self._control])

    def _text(self, text: str) -> list[int]:
        return self._bpe.encode(text).ids
