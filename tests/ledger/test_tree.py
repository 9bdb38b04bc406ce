"""The Merkle tree of RFC 6962."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.ledger.tree import EMPTY_ROOT, Frontier, leaf_hash, node_hash

# Leaves and roots of the Certificate Transparency reference implementation's test (merkle tree, sizes 1 to 8).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_by_definition(leaves[:split]), _by_definition(leaves[split:]))


def test_the_published_roots_are_reproduced() -> None:
    """Sizes one to eight give the roots of Certificate Transparency's own tests."""
    frontier, roots = Frontier(), []
    for leaf in LEAVES:
        frontier.append(leaf_hash(bytes.fromhex(leaf)))
        roots.append(frontier.root().hex())
    assert roots == ROOTS


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """The root over no leaves is SHA-256 of the empty string."""
    assert Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(leaves=st.lists(st.binary(max_size=8), max_size=70))
def test_the_frontier_is_the_definition(leaves: list[bytes]) -> None:
    """Appending one by one gives the recursive definition's root at any size, in one node a bit of the size."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    assert frontier.root() == _by_definition(leaves)
    assert len(frontier.nodes) == len(leaves).bit_count()
