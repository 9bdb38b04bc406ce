"""A ledger whose contents are sealed: the same tree, readable with the key only."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

from ledger.scenes import event, fill, release
from ledger.test_standalone import Auditor
from seawall.identity import NodeKeys
from seawall.identity.sealing import Box, is_sealed
from seawall.ledger import Ledger, former_keys, own_key, seal_ledger, verify_closed
from seawall.ledger.sealing import READY, count_plain, finish_sealing
from seawall.model import Fault


class Sealed:
    """The node's keys with a vault's box."""

    def __init__(self, keys: NodeKeys, box: Box | None) -> None:
        self._keys = keys
        self.payload_box = box

    def __getattr__(self, name: str) -> object:
        return getattr(self._keys, name)


@pytest.fixture
def sealed_key(node_key: NodeKeys) -> Sealed:
    """The key of the same node, once it has a vault."""
    return Sealed(node_key, Box(b"k" * 32))


def test_sealing_keeps_the_tree_and_hides_what_leaves_say(folder: Path, node_key: NodeKeys, sealed_key: Sealed) -> None:
    """Root, size and proofs stay; no byte of a subject is left in any file; further leaves are sealed as they come."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        ledger.record_event(event(4711))
        ledger.erase(3, "lin", "asked")
        root, size = ledger.root(), ledger.size
    assert seal_ledger(folder, sealed_key.payload_box) == size - 1  # type: ignore[arg-type]
    with Ledger.open(folder, sealed_key) as ledger:  # type: ignore[arg-type]
        assert (ledger.root(), ledger.size) == (root, size)
        report = ledger.verify()
        assert (report.erased, report.sealed) == (1, 0)
        assert "peer-4711" in {entry.recipient for entry in ledger.show(1000).items}
        ledger.record(release(4712))
        ledger.erase(size, "lin", "asked")
        ledger.verify()
    assert count_plain(folder)[1] == 0
    for path in folder.rglob("*"):
        if path.is_file():
            for word in (b"peer-4711", b"indicator--", b"seoul"):
                assert word not in path.read_bytes()


def test_without_the_key_the_tree_verifies_and_contents_do_not_open(
    folder: Path, node_key: NodeKeys, sealed_key: Sealed
) -> None:
    """Public keys are enough for every hash and signature; reading is refused with one sentence."""
    fill(folder, sealed_key)  # type: ignore[arg-type]
    with Ledger.open(folder, sealed_key) as ledger:  # type: ignore[arg-type]
        root = ledger.root()
    report = verify_closed(folder, (own_key(node_key), *former_keys(node_key)))
    assert (report.root, report.sealed) == (root, report.size)
    with Ledger.open(folder, node_key) as ledger, pytest.raises(Fault, match="E-LEDGER-030"):
        ledger.show()


def test_an_altered_sealed_leaf_is_named(folder: Path, node_key: NodeKeys, sealed_key: Sealed) -> None:
    """With the key altered contents are found; an altered record is found without it."""
    fill(folder, sealed_key)  # type: ignore[arg-type]
    data = bytearray((folder / "payloads").read_bytes())
    data[60] ^= 1
    (folder / "payloads").write_bytes(data)
    with Ledger.open(folder, sealed_key) as ledger, pytest.raises(Fault, match=r"E-LEDGER-010.*leaf 0"):  # type: ignore[arg-type]
        ledger.verify()
    assert verify_closed(folder, [own_key(node_key)]).sealed
    data = bytearray((folder / "leaves").read_bytes())
    data[40] ^= 1
    (folder / "leaves").write_bytes(data)
    with pytest.raises(Fault, match="E-LEDGER-010"):
        verify_closed(folder, [own_key(node_key)])


def test_sealed_leaves_cannot_change_places(folder: Path, sealed_key: Sealed) -> None:
    """Contents are bound to their leaf's number."""
    with Ledger.open(folder, sealed_key) as ledger:  # type: ignore[arg-type]
        first, second = (ledger.record_event(event(number)).leaf_index for number in (1, 2))
    data = (folder / "payloads").read_bytes()
    half = len(data) // 2
    (folder / "payloads").write_bytes(data[half:] + data[:half])
    assert (first, second) == (0, 1)
    with Ledger.open(folder, sealed_key) as ledger, pytest.raises(Fault, match="E-LEDGER-010"):  # type: ignore[arg-type]
        ledger.verify()


@pytest.mark.parametrize("killed_at", ["before the exchange", "first rename", "second rename"])
def test_a_killed_sealing_leaves_a_whole_ledger(
    folder: Path, node_key: NodeKeys, sealed_key: Sealed, killed_at: str
) -> None:
    """Whoever opens it next finds all leaves, plain or sealed, and the next run ends it."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        root = ledger.root()
    box = sealed_key.payload_box
    assert box is not None
    if killed_at == "before the exchange":
        with (
            patch("seawall.ledger.sealing.sync_folder", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            seal_ledger(folder, box)
        (folder / READY).unlink()
    else:
        renames, real = [0 if killed_at == "first rename" else 1], Path.rename

        def dying(path: Path, target: Path) -> Path:
            if not renames[0]:
                raise KeyboardInterrupt
            renames[0] -= 1
            return real(path, target)

        with patch.object(Path, "rename", dying), pytest.raises(KeyboardInterrupt):
            seal_ledger(folder, box)
        assert (folder / READY).exists()
    with Ledger.open(folder, sealed_key) as ledger:  # type: ignore[arg-type]
        assert ledger.root() == root
        ledger.verify()
    seal_ledger(folder, box)
    finish_sealing(folder)
    assert count_plain(folder)[1] == 0
    assert not (folder / READY).exists()


def test_the_stand_alone_verifier_says_what_it_cannot_check(
    folder: Path, node_key: NodeKeys, sealed_key: Sealed, tmp_path: Path
) -> None:
    """It verifies the tree of a sealed ledger, and says that contents were not checked."""
    import seawall.ledger.standalone as standalone

    fill(folder, sealed_key)  # type: ignore[arg-type]
    script = tmp_path / "verify.py"
    shutil.copy(standalone.__file__, script)
    status, said = Auditor(script, node_key)("ledger", folder)
    assert status == 0, said
    assert "8 leaves are sealed" in said
    assert is_sealed((folder / "payloads").read_bytes())
