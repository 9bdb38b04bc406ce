"""Roots of parts: right at every size, and right again after what was kept of them is damaged or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.scenes import event
from seawall.identity import NodeKeys
from seawall.ledger import Ledger, check_consistency, check_inclusion
from seawall.ledger.tree import leaf_hash

SIZES = (1, 255, 256, 257, 511, 513, 1_024, 1_300)


def _check(ledger: Ledger) -> None:
    head = ledger.head()
    for index in {0, 1, 255, 256, 700, head.size - 1, head.size // 2} & set(range(head.size)):
        proved = ledger.prove(index, head)
        path = [bytes.fromhex(item) for item in proved.path]
        check_inclusion(leaf_hash(bytes.fromhex(proved.commitment)), index, head.size, head.root, path)
    for size in SIZES:
        if size <= head.size:
            proof = ledger.prove_continues(size, head)
            check_consistency(size, ledger.root_at(size), head.size, head.root, proof)


def test_proofs_at_every_size(folder: Path, node_key: NodeKeys) -> None:
    """Leaf by leaf around the width of what is kept, within one process and in the next."""
    for size in SIZES:
        with Ledger.open(folder, node_key) as ledger:
            ledger.record_many([event(number) for number in range(size - ledger.size)])
            _check(ledger)


@pytest.mark.parametrize("damage", [b"", b"\xff" * 64, b"\xff" * 31])
def test_what_is_kept_is_never_believed(folder: Path, node_key: NodeKeys, damage: bytes) -> None:
    """Lost, overwritten or torn: proofs are made anew and hold."""
    with Ledger.open(folder, node_key) as ledger:
        ledger.record_many([event(number) for number in range(1_300)])
        _check(ledger)
    (folder / "subtrees").write_bytes(damage)
    with Ledger.open(folder, node_key) as ledger:
        _check(ledger)
        assert ledger.verify().size == 1_300
