"""Proofs: what holds for every size, and what no altered proof gets through."""

from __future__ import annotations

import hashlib

import pytest

from seawall.ledger.proofs import check_consistency, check_inclusion, consistency, inclusion
from seawall.ledger.tree import EMPTY_ROOT, Frontier, leaf_hash
from seawall.model import Refused

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]


class _Roots:
    def root(self, start: int, stop: int) -> bytes:
        return _root(LEAVES[start:stop])


def _root(leaves: list[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def test_the_paths_of_the_certificate_transparency_tests() -> None:
    """The eight-leaf tree of the Certificate Transparency sources: root, a path of leaf 5, a proof from 6 to 8."""
    texts = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    leaves = [leaf_hash(bytes.fromhex(text)) for text in texts]
    assert _root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"

    class Eight:
        def root(self, start: int, stop: int) -> bytes:
            return _root(leaves[start:stop])

    assert [item.hex() for item in inclusion(Eight(), 5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [item.hex() for item in consistency(Eight(), 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_every_leaf_of_every_size_is_included() -> None:
    """For all trees of up to 40 leaves, each leaf's path leads to the root, and to no other place of the tree."""
    for size in range(1, 41):
        root = _root(LEAVES[:size])
        for index in range(size):
            path = inclusion(_Roots(), index, size)
            check_inclusion(LEAVES[index], index, size, root, path)
            for wrong in {0, size - 1, index + 1, index - 1} - {index}:
                with pytest.raises(Refused, match="E-LEDGER-020"):
                    check_inclusion(LEAVES[index], wrong, size, root, path)


def test_every_size_continues_every_smaller_one() -> None:
    """For all pairs of up to 40 leaves the proof holds; with another root or a hash changed, lost or added, not."""
    for new in range(41):
        for old in range(new + 1):
            old_root, new_root = _root(LEAVES[:old]), _root(LEAVES[:new])
            path = consistency(_Roots(), old, new)
            check_consistency(old, old_root, new, new_root, path)
            other = hashlib.sha256(old_root).digest()
            hostile = [(other, new_root, path), (old_root, other, path), (old_root, new_root, [*path, other])]
            if old == 0:
                hostile = [(other, new_root, path), (old_root, new_root, [other])]
            if path:
                hostile += [(old_root, new_root, path[1:]), (old_root, new_root, [other, *path[1:]])]
            for values in hostile:
                with pytest.raises(Refused, match="E-LEDGER-020"):
                    check_consistency(old, values[0], new, values[1], values[2])


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5), (5, 0)])
def test_sizes_that_make_no_sense(old: int, new: int) -> None:
    """A larger or a negative earlier size is refused."""
    with pytest.raises(Refused, match="E-LEDGER-020"):
        check_consistency(old, EMPTY_ROOT, new, EMPTY_ROOT, [EMPTY_ROOT])
