"""A ledger in hostile hands: every edit, deletion, swap and cut is found, and the first bad leaf is named."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.scenes import fill, record_at, splice
from seawall.identity import NodeKeys
from seawall.ledger import Ledger
from seawall.ledger.checkpoint import head
from seawall.ledger.files import LedgerFiles
from seawall.ledger.layout import Leaf, pack, unpack
from seawall.ledger.tree import Frontier, leaf_hash
from seawall.ledger.verify import verify
from seawall.model import Fault


def _verify(folder: Path, key: NodeKeys | None) -> Fault:
    with pytest.raises(Fault) as caught:
        verify(LedgerFiles(folder, None), key)
    return caught.value


def _leaf(folder: Path, index: int) -> Leaf:
    start, stop = record_at(index)
    leaf = unpack((folder / "leaves").read_bytes()[start:stop])
    assert leaf is not None
    return leaf


def _put(folder: Path, index: int, **changes: object) -> None:
    start, stop = record_at(index)
    splice(folder / "leaves", start, stop, pack(msgspec.structs.replace(_leaf(folder, index), **changes)))


def test_an_untouched_ledger_verifies(folder: Path, node_key: NodeKeys) -> None:
    """Eight leaves in six batches, all signed, nothing erased, nothing left over."""
    fill(folder, node_key)
    report = verify(LedgerFiles(folder, None), node_key)
    assert (report.size, report.heads, report.signed, report.erased, report.unfinished_bytes) == (8, 6, True, 0, 0)


@pytest.mark.parametrize("index", range(8))
def test_an_edited_payload_names_its_leaf(folder: Path, node_key: NodeKeys, index: int) -> None:
    """Changing what a leaf says, without changing its length, names exactly that leaf."""
    fill(folder, node_key)
    leaf = _leaf(folder, index)
    payload = (folder / "payloads").read_bytes()[leaf.offset : leaf.end]
    edited = payload.replace(b"lin", b"kim").replace(b"seoul", b"busan")
    assert edited != payload
    splice(folder / "payloads", leaf.offset, leaf.end, edited)
    fault = _verify(folder, node_key)
    assert (fault.code, fault.values["index"]) == ("E-LEDGER-010", index)


@pytest.mark.parametrize("index", range(7))
def test_a_deleted_leaf_names_its_place(folder: Path, node_key: NodeKeys, index: int) -> None:
    """Taking one record out shifts the others, and the count no longer reaches what was acknowledged."""
    fill(folder, node_key)
    splice(folder / "leaves", *record_at(index), b"")
    assert _verify(folder, node_key).code == "E-LEDGER-001"
    splice(folder / "leaves", 7 * 160, 7 * 160, (folder / "leaves").read_bytes()[-160:])  # hide it by repeating one
    fault = _verify(folder, node_key)
    assert (fault.code, fault.values["index"]) == ("E-LEDGER-010", index)


def test_swapped_leaves_are_found(folder: Path, node_key: NodeKeys) -> None:
    """Two records that change places name the first of them, even when renumbered and given fresh checksums."""
    fill(folder, node_key)
    original = (folder / "leaves").read_bytes()
    first, second = (original[slice(*record_at(index))] for index in (1, 2))
    splice(folder / "leaves", *record_at(1), second)
    splice(folder / "leaves", *record_at(2), first)
    assert _verify(folder, node_key).values["index"] == 1
    (folder / "leaves").write_bytes(original)
    one, two = _leaf(folder, 0), _leaf(folder, 1)
    _put(folder, 0, commitment=two.commitment)
    _put(folder, 1, commitment=one.commitment)
    assert _verify(folder, node_key).values["index"] == 0


def test_an_edited_commitment_without_contents_is_found(folder: Path, node_key: NodeKeys) -> None:
    """Where the contents were erased, the head's root still gives an altered commitment away."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        ledger.erase(3, "lin", "by request")
    _put(folder, 3, commitment=b"\x01" * 32)
    assert _verify(folder, node_key).values["index"] == 3


def test_silent_erasure_is_found(folder: Path, node_key: NodeKeys) -> None:
    """Contents that were erased without a leaf that says so name the leaf."""
    fill(folder, node_key)
    leaf = _leaf(folder, 5)
    splice(folder / "payloads", leaf.offset, leaf.end, b"0" * 64 + b" " * (leaf.length - 65) + b"\n")
    fault = _verify(folder, node_key)
    assert (fault.values["index"], fault.code) == (5, "E-LEDGER-010")


@pytest.mark.parametrize("leaves", range(8))
def test_a_cut_ledger_is_found(folder: Path, node_key: NodeKeys, leaves: int) -> None:
    """Dropping the last leaves, at a batch's end or not, is told by verify and refused on opening."""
    fill(folder, node_key)
    with (folder / "leaves").open("r+b") as file:
        file.truncate(leaves * 160)
    assert _verify(folder, node_key).code == "E-LEDGER-001"
    with pytest.raises(Fault) as caught:
        Ledger.open(folder, node_key)
    assert caught.value.code == "E-LEDGER-001"


def test_a_cut_payload_file_is_found(folder: Path, node_key: NodeKeys) -> None:
    """Contents that end early name the leaf, and the ledger does not open."""
    fill(folder, node_key)
    with (folder / "payloads").open("r+b") as file:
        file.truncate(_leaf(folder, 7).end - 1)
    assert _verify(folder, node_key).values["index"] == 7
    with pytest.raises(Fault) as caught:
        Ledger.open(folder, node_key)
    assert caught.value.code == "E-LEDGER-003"


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"x")]
)
def test_a_missing_checkpoint_is_found(folder: Path, node_key: NodeKeys, spoil: Callable[[Path], object]) -> None:
    """Without its checkpoint a cut could not be seen, so the ledger neither verifies nor opens."""
    fill(folder, node_key)
    spoil(folder / "checkpoint")
    assert _verify(folder, node_key).code == "E-LEDGER-004"
    with pytest.raises(Fault) as caught:
        Ledger.open(folder, node_key)
    assert caught.value.code == "E-LEDGER-004"


def test_a_rewritten_history_needs_the_key(folder: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """Somebody who recomputes every checksum, root and checkpoint, but cannot sign, is found where it begins."""
    fill(folder, node_key)

    class Forger:
        """Another key under this node's name."""

        node_id = node_key.node_id
        signing_public = other_key.signing_public
        former_keys = ()
        sign = staticmethod(other_key.sign)

    frontier = Frontier()
    for index in range(8):
        leaf = _leaf(folder, index)
        if index == 4:
            payload = (folder / "payloads").read_bytes()[leaf.offset : leaf.end].replace(b"seoul", b"busan")
            splice(folder / "payloads", leaf.offset, leaf.end, payload)
            _put(folder, 4, commitment=_commit(payload))
            leaf = _leaf(folder, 4)
        frontier.append(leaf_hash(leaf.commitment))
        if leaf.is_head and index >= 4:
            forged = head(Forger(), index + 1, frontier.root())
            _put(folder, index, root=forged.root, signature=forged.signature)
    fault = _verify(folder, node_key)
    assert (fault.code, fault.values["index"]) == ("E-LEDGER-010", 4)


def test_unsigned_heads_do_not_pass_for_signed(folder: Path, node_key: NodeKeys) -> None:
    """Taking the signature flag off the last head does not help."""
    fill(folder, node_key)
    _put(folder, 7, flags=1, signature=bytes(64))
    assert _verify(folder, node_key).code == "E-LEDGER-010"


def test_a_foreign_checkpoint_is_found(folder: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """Another node's checkpoint, or one with a false root, is refused."""
    fill(folder, node_key)
    original = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(original.replace(node_key.node_id.encode(), other_key.node_id.encode()))
    assert _verify(folder, node_key).code == "E-LEDGER-007"
    lines = original.split(b"\n")
    lines[2] = b"A" * 43 + b"="
    (folder / "checkpoint").write_bytes(b"\n".join(lines))
    assert _verify(folder, node_key).code == "E-LEDGER-004"


def test_showing_a_damaged_leaf_is_a_fault(folder: Path, node_key: NodeKeys) -> None:
    """A garbled payload is told in one sentence when it is read."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        leaf = _leaf(folder, 2)
        with (folder / "payloads").open("r+b") as file:
            file.seek(leaf.offset + 70)
            file.write(b"\xff\xfe\x00")
        with pytest.raises(Fault) as caught:
            ledger.show()
        assert caught.value.code == "E-LEDGER-002"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7), name=st.sampled_from(["leaves", "payloads"]))
def test_any_flipped_bit_is_found(
    tmp_path_factory: pytest.TempPathFactory, node_key: NodeKeys, position: int, bit: int, name: str
) -> None:
    """Whatever bit of leaves or payloads is flipped, verification names a leaf."""
    folder = tmp_path_factory.mktemp("ledger")
    fill(folder, node_key)
    path = folder / name
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)
    assert _verify(folder, node_key).code == "E-LEDGER-010"


def _commit(payload: bytes) -> bytes:
    from seawall.ledger.layout import commitment_of

    return commitment_of(bytes.fromhex(payload[:64].decode()), payload[65:-1])


def test_a_salt_has_one_spelling(folder: Path) -> None:
    """A salt in capitals is an edit, although it stands for the same bytes."""
    fill(folder)
    salt = (folder / "payloads").read_bytes()[:64]
    splice(folder / "payloads", 0, 64, salt.upper())
    assert _verify(folder, None).values["index"] == 0


def test_a_checksum_is_over_the_whole_record(folder: Path) -> None:
    """The checksum that tells torn records covers every byte behind it."""
    fill(folder)
    record = (folder / "leaves").read_bytes()[:160]
    assert struct.unpack(">I", record[:4])[0] == zlib.crc32(record[4:])
    assert unpack(record[:159]) is None
