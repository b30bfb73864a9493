"""What is kept of a prompt to compare it with others: hashes of its words, never the words."""

from array import array
from functools import lru_cache
from hashlib import blake2b
from heapq import nsmallest
from zlib import crc32

import msgspec

from rft_dataset.prompt_words import is_word, words
from rft_dataset.records import Row, folded

MOST_PAIRS = 384
"""Pairs of words that are kept of a prompt: all of a short one, of a longer one its two ends and a sample between.

The sample is of the smallest hashes, so that the same text gives the same sample wherever it stands.
"""

LONGEST_COMPARED = 200_000
"""Characters of a prompt whose words are looked at; a longer one is only the same as another, never similar."""

PAIR_BYTES = 8
"""Of a pair: two hashes of a word."""

_WORD_BYTES = PAIR_BYTES // 2
_END = MOST_PAIRS // 3
_NO_ANSWER = (b"", b"null", b'""')


class Sketch(msgspec.Struct, frozen=True, gc=False):
    """A prompt in a few hundred bytes.

    Args:
        line: Its line number, from 1.
        text: Hash of the text as it is.
        folded: Hash of the text without case, and with one space for any whitespace.
        said: Hash of the words without the spaces between them: the same for what is only written differently.
        frame: Hash of roles, numbers and operators in their order.
        answer: Hash of the reference answer; None when there is none.
        pairs: The neighbouring words, 8 bytes a pair, the first with its turn's role and the last with the end.
        last: How many of the pairs, at the end, belong to the last of several turns; 0 when there is one turn.
    """

    line: int
    text: bytes
    folded: bytes
    said: bytes
    frame: bytes
    answer: int | None
    pairs: bytes
    last: int

    def all_pairs(self) -> frozenset[bytes]:
        """Return the pairs of the whole prompt."""
        return _split(self.pairs)

    def last_pairs(self) -> frozenset[bytes]:
        """Return the pairs of the last turn; none when it is the only one."""
        return _split(self.pairs[len(self.pairs) - self.last * PAIR_BYTES :])


def sketch(line: int, row: Row) -> Sketch:
    """Return what is kept of a row's prompt, which is all its turns but the system's.

    Args:
        line: Its line number, from 1.
        row: The row.
    """
    asked = row.asked()
    same = _hash(folded(asked))
    spoken, last = _spoken(row) if len(asked) <= LONGEST_COMPARED else ([], 0)
    frame = "\0".join([word for word in spoken if not is_word(word)])
    answer = bytes(row.reference_answer)
    return Sketch(
        line=line,
        text=_hash(asked),
        folded=same,
        said=_hash("".join(spoken) + "\0" + frame) if spoken else same,
        frame=_hash(frame),
        answer=crc32(b"".join(answer.split())) if answer not in _NO_ANSWER else None,
        pairs=_pairs(spoken) if spoken else b"",
        last=min(last, _END),
    )


def _spoken(row: Row) -> tuple[list[str], int]:
    """Return the words of all turns but the system's, each behind its role, and how many are of the last of several."""
    turns = [
        [f"<{turn.role}>", *words(turn.text())] for turn in row.messages if turn.role not in ("system", "developer")
    ]
    return [word for turn in turns for word in turn], len(turns[-1]) if len(turns) > 1 else 0


def _pairs(spoken: list[str]) -> bytes:
    """Return the neighbouring words as hashes, 8 bytes a pair; the last word's neighbour is the end of the text."""
    hashes = array("I", map(_word_hash, (*spoken, "<end>"))).tobytes()
    pairs = range(0, len(hashes) - _WORD_BYTES, _WORD_BYTES)
    if len(pairs) <= MOST_PAIRS:
        return b"".join([hashes[at : at + PAIR_BYTES] for at in pairs])
    first, between, last = (
        [hashes[at : at + PAIR_BYTES] for at in part] for part in (pairs[:_END], pairs[_END:-_END], pairs[-_END:])
    )
    return b"".join([*first, *nsmallest(_END, set(between)), *last])


def _split(pairs: bytes) -> frozenset[bytes]:
    """Return the set of pairs in a row of them."""
    return frozenset([pairs[at : at + PAIR_BYTES] for at in range(0, len(pairs), PAIR_BYTES)])


def _hash(text: str) -> bytes:
    """Return 64 bits of a text, the same in every process."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


@lru_cache(maxsize=2**15)
def _word_hash(word: str) -> int:
    """Return 32 bits of a word, the same in every process."""
    return crc32(word.encode("utf-8", "surrogatepass"))
