"""Token trees: shared prefixes exist once and the lineage is the causal mask of each sequence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_local.trainer.tree import ROOT, TokenTree

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), min_size=1, max_size=8)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(SEQUENCES)
def test_nodes_are_the_distinct_prefixes(sequences: list[list[int]]) -> None:
    tree = TokenTree()
    for sequence in sequences:
        before, missing = tree.size, tree.missing(sequence)
        tree.insert(sequence)
        assert tree.size - before == missing
        assert tree.missing(sequence) == 0
    prefixes = {tuple(sequence[: end + 1]) for sequence in sequences for end in range(len(sequence))}
    assert tree.size == len(prefixes)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(SEQUENCES)
def test_lineage_spells_each_sequence(sequences: list[list[int]]) -> None:
    tree = TokenTree()
    leaves = [tree.insert(sequence) for sequence in sequences]
    for leaf, sequence in zip(leaves, sequences, strict=True):
        path = np.flatnonzero(tree.lineage[leaf])
        assert tree.tokens[path].tolist() == sequence
        assert tree.depths[path].tolist() == list(range(len(sequence)))
    assert set(tree.spanned(leaves)) == set(range(tree.size))


def test_a_tree_outgrows_its_first_arrays() -> None:
    tree = TokenTree()
    leaf = tree.insert([7] * 700)
    assert tree.size == 700
    assert tree.lineage[leaf].all()
    assert tree.spanned([99]).tolist() == list(range(100))


def test_a_child_is_added_once() -> None:
    tree = TokenTree()
    first = tree.child(ROOT, 5)
    assert tree.child(ROOT, 5) == first
    assert tree.child(first, 5) != first


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="empty sequence"):
        TokenTree().insert([])
