"""Token trees: many token sequences stored so that every shared prefix exists once.

A node is one token after one particular prefix. What a causal language model computes at a token depends on that
prefix alone, so work done per node instead of per sequence gives the same numbers. Few-shot prompts share most of their
tokens, the rollouts of a group all of their prompt, and a trained policy repeats whole answers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ROOT = -1
"""The parent of a sequence's first token."""

_FIRST_CAPACITY = 256


class TokenTree:
    """A growing set of token sequences; nodes are numbered in the order they came, parents before children."""

    def __init__(self) -> None:
        self.size = 0
        self._children: dict[tuple[int, int], int] = {}
        self._tokens = np.zeros(_FIRST_CAPACITY, np.int32)
        self._depths = np.zeros(_FIRST_CAPACITY, np.int32)
        self._lineage = np.zeros((_FIRST_CAPACITY, _FIRST_CAPACITY), np.bool_)

    @property
    def tokens(self) -> npt.NDArray[np.int32]:
        """Token id of every node."""
        return self._tokens[: self.size]

    @property
    def depths(self) -> npt.NDArray[np.int32]:
        """Position of every node in its sequence, from 0."""
        return self._depths[: self.size]

    @property
    def lineage(self) -> npt.NDArray[np.bool_]:
        """`lineage[i, j]`: node j is i itself or one of its ancestors. This is the attention mask."""
        return self._lineage[: self.size, : self.size]

    def child(self, parent: int, token: int) -> int:
        """Return the node of `token` after `parent`, adding it when it is new.

        Args:
            parent: A node, or `ROOT`.
            token: A token id.
        """
        node = self._children.get((parent, token))
        return self._add(parent, token) if node is None else node

    def insert(self, sequence: Sequence[int]) -> int:
        """Add a whole sequence from the root and return its last node.

        Raises:
            ValueError: When the sequence is empty.
        """
        if not sequence:
            raise ValueError("token tree: got an empty sequence, wanted at least one token")
        node = ROOT
        for token in sequence:
            node = self.child(node, token)
        return node

    def missing(self, sequence: Sequence[int]) -> int:
        """Return how many nodes `insert` would add."""
        node = ROOT
        for depth, token in enumerate(sequence):
            known = self._children.get((node, token))
            if known is None:
                return len(sequence) - depth
            node = known
        return 0

    def spanned(self, nodes: Sequence[int]) -> npt.NDArray[np.intp]:
        """Return the nodes that lie on the paths from the root to `nodes`, in order."""
        return np.flatnonzero(self.lineage[np.asarray(nodes, np.intp)].any(axis=0))

    def _add(self, parent: int, token: int) -> int:
        node = self.size
        if node == len(self._tokens):
            self._grow()
        self._tokens[node] = token
        if parent != ROOT:
            self._depths[node] = self._depths[parent] + 1
            self._lineage[node, : parent + 1] = self._lineage[parent, : parent + 1]
        self._lineage[node, node] = True
        self._children[parent, token] = node
        self.size += 1
        return node

    def _grow(self) -> None:
        room = len(self._tokens)
        self._tokens = np.pad(self._tokens, (0, room))
        self._depths = np.pad(self._depths, (0, room))
        self._lineage = np.pad(self._lineage, ((0, room), (0, room)))
