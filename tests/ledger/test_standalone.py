"""The drills: the stand-alone verifier, alone in a process of its own, catches every way to change a ledger."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from ledger.scenes import event, fill, record_at, release, splice
from seawall.identity import NodeKeys
from seawall.ledger import (
    FORMAT,
    Earlier,
    Ledger,
    Proof,
    checkpoint_in,
    cosign,
    encode,
    keep,
    note_over,
    own_key,
    witness_key,
)
from seawall.ledger.checkpoint import head
from seawall.ledger.layout import RECORD_BYTES, commitment_of, pack, unpack
from seawall.ledger.tree import EMPTY_ROOT, Frontier, leaf_hash


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier as an auditor gets it: one file."""
    path = tmp_path_factory.mktemp("auditor") / "verify.py"
    path.write_text(files("seawall.ledger").joinpath("standalone.py").read_text("utf-8"))
    return path


class Auditor:
    """Runs the script as ``python -I`` with the keys that were given by hand."""

    def __init__(self, script: Path, *keys: NodeKeys) -> None:
        self._script = script
        self._keys = [word for key in keys for word in ("--key", str(own_key(key)))]

    def __call__(self, what: str, path: Path, *more: object) -> tuple[int, str]:
        words = [sys.executable, "-I", self._script, what, path, *self._keys, *more]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        return done.returncode, done.stdout


@pytest.fixture
def audit(script: Path, node_key: NodeKeys) -> Auditor:
    """An auditor who was given the node's key."""
    return Auditor(script, node_key)


def _edit(folder: Path) -> None:
    leaf = unpack((folder / "leaves").read_bytes()[slice(*record_at(3))])
    assert leaf is not None
    payload = (folder / "payloads").read_bytes()[leaf.offset : leaf.end]
    splice(folder / "payloads", leaf.offset, leaf.end, payload.replace(b"seoul", b"busan"))


def _edit_carefully(folder: Path) -> None:
    leaf = unpack((folder / "leaves").read_bytes()[slice(*record_at(3))])
    assert leaf is not None
    payload = (folder / "payloads").read_bytes()[leaf.offset : leaf.end].replace(b"seoul", b"busan")
    splice(folder / "payloads", leaf.offset, leaf.end, payload)
    commitment = commitment_of(bytes.fromhex(payload[:64].decode()), payload[65:-1])
    splice(folder / "leaves", *record_at(3), pack(msgspec.structs.replace(leaf, commitment=commitment)))


def _edit_all_but_the_signature(folder: Path) -> None:
    _edit_carefully(folder)
    tree, records = Frontier(), (folder / "leaves").read_bytes()
    for index in range(len(records) // RECORD_BYTES):
        leaf = unpack(records[slice(*record_at(index))])
        assert leaf is not None
        tree.append(leaf_hash(leaf.commitment))
        if leaf.is_head:
            splice(folder / "leaves", *record_at(index), pack(msgspec.structs.replace(leaf, root=tree.root())))


def _delete_the_last(folder: Path) -> None:
    splice(folder / "leaves", *record_at(7), b"")


def _delete_one(folder: Path) -> None:
    leaves = (folder / "leaves").read_bytes()
    kept = [unpack(leaves[slice(*record_at(index))]) for index in range(8) if index != 2]
    gone = unpack(leaves[slice(*record_at(2))])
    assert gone is not None
    out = b""
    for index, leaf in enumerate(kept):
        assert leaf is not None
        moved = leaf.offset - (gone.length if leaf.offset > gone.offset else 0)
        out += pack(msgspec.structs.replace(leaf, index=index, offset=moved))
    (folder / "leaves").write_bytes(out)
    splice(folder / "payloads", gone.offset, gone.end, b"")


def _reorder(folder: Path) -> None:
    leaves = (folder / "leaves").read_bytes()
    first, second = unpack(leaves[slice(*record_at(0))]), unpack(leaves[slice(*record_at(1))])
    assert first is not None
    assert second is not None
    payloads = (folder / "payloads").read_bytes()
    swapped = payloads[second.offset : second.end] + payloads[first.offset : first.end]
    splice(folder / "payloads", first.offset, second.end, swapped)
    one = msgspec.structs.replace(second, index=0, offset=0)
    two = msgspec.structs.replace(first, index=1, offset=second.length)
    splice(folder / "leaves", 0, 2 * RECORD_BYTES, pack(one) + pack(two))


def _erase_silently(folder: Path) -> None:
    leaf = unpack((folder / "leaves").read_bytes()[slice(*record_at(3))])
    assert leaf is not None
    splice(folder / "payloads", leaf.offset, leaf.end, b"0" * 64 + b" " * (leaf.length - 65) + b"\n")


def _hide_behind_a_checksum(folder: Path) -> None:
    start, stop = record_at(5)
    record = bytearray((folder / "leaves").read_bytes()[start:stop])
    record[32] ^= 1
    record[:4] = struct.pack(">I", zlib.crc32(bytes(record[4:])))
    splice(folder / "leaves", start, stop, bytes(record))


CHANGES = [
    (_edit, "leaf 3 were altered"),
    (_edit_carefully, "altered, reordered or deleted"),
    (_edit_all_but_the_signature, "not those of the signed checkpoint"),
    (_delete_the_last, "was cut: leaf 7 of 8"),
    (_delete_one, "altered, reordered or deleted"),
    (_reorder, "altered, reordered or deleted"),
    (_erase_silently, "erased without a leaf"),
    (_hide_behind_a_checksum, "leaf 5 were altered"),
]


def test_an_untouched_ledger_holds(folder: Path, node_key: NodeKeys, audit: Auditor) -> None:
    """Eight leaves; what names Seoul is counted; an erased leaf whose erasure is on record is no harm."""
    fill(folder, node_key)
    status, said = audit("ledger", folder, "--named", "seoul")
    assert status == 0
    assert "the ledger holds: 8 leaves" in said
    assert '{"release": [0, 1, 2, 3, 7], "withheld": [4, 5]}' in said
    with Ledger.open(folder, node_key) as ledger:
        ledger.erase(3, "lin", "by law")
    status, said = audit("ledger", folder, "--named", "indicator--3-0")
    assert (status, "1 erased" in said, "leaves that name it: {}" in said) == (0, True, True)


@pytest.mark.parametrize(("change", "sentence"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_every_change_to_the_files_is_caught(
    folder: Path, node_key: NodeKeys, audit: Auditor, change: Callable[[Path], None], sentence: str
) -> None:
    """Edited, cut, taken out, swapped, erased, however carefully: without the key nothing gets through."""
    fill(folder, node_key)
    change(folder)
    status, said = audit("ledger", folder)
    assert (status, sentence in said) == (1, True), said


def test_a_fork_and_a_roll_back_by_the_owner_are_caught(
    folder: Path, tmp_path: Path, node_key: NodeKeys, other_key: NodeKeys, audit: Auditor
) -> None:
    """Whoever holds the key can write another story; a checkpoint that somebody kept, or a witness's word, ends it."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        note = ledger.checkpoint()
    (tmp_path / "kept").write_text(note)
    earlier, forked = tmp_path / "earlier", tmp_path / "forked"
    with Ledger.open(earlier, node_key) as ledger:
        ledger.record(release(0))
    with Ledger.open(forked, node_key) as ledger:
        ledger.record_many([event(number) for number in range(12)])
    for place, sentence in ((earlier, "rolled back"), (forked, "forked")):
        assert audit("ledger", place)[0] == 0, "signed and consistent in itself"
        status, said = audit("ledger", place, "--against", tmp_path / "kept")
        assert (status, sentence in said) == (1, True), said
        keep(place, note + cosign(note, other_key, 1), node_key, witness_key(other_key))
        status, said = audit("ledger", place)
        assert (status, sentence in said) == (1, True), said
    assert audit("ledger", folder, "--against", tmp_path / "kept")[0] == 0
    status, said = audit("ledger", folder, "--witness", witness_key(other_key))
    assert (status, "no checkpoint here is cosigned" in said) == (1, True)
    keep(folder, note + cosign(note, other_key, 1_773_446_400), node_key, witness_key(other_key))
    status, said = audit("ledger", folder, "--witness", witness_key(other_key))
    assert (status, "up to 8 leaves at 2026-03-14T00:00:00Z" in said) == (0, True), said


def test_another_key_does_not_do(folder: Path, node_key: NodeKeys, other_key: NodeKeys, script: Path) -> None:
    """A ledger of another node, or under a misspelt key, does not hold."""
    fill(folder, node_key)
    status, said = Auditor(script, other_key)("ledger", folder)
    assert (status, "not signed by a key you gave" in said) == (1, True)
    assert Auditor(script, other_key, node_key)("ledger", folder)[0] == 0
    status, said = Auditor(script)("ledger", folder, "--key", str(own_key(node_key)).replace("seawall/", "seawall/x"))
    assert (status, "misspelt" in said) == (1, True)


def _proof(ledger: Ledger, key: NodeKeys, *indexes: int, earlier: tuple[Earlier, ...] = ()) -> Proof:
    at = ledger.head()
    leaves = tuple(ledger.prove(index, at) for index in indexes)
    return Proof(FORMAT, str(own_key(key)), ledger.checkpoint(), leaves, earlier)


def test_a_proof_file_holds_and_no_altered_one_does(
    folder: Path, tmp_path: Path, node_key: NodeKeys, audit: Auditor
) -> None:
    """Leaves with their contents under the checkpoint; any word of it changed is noticed."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        early = ledger.checkpoint()
        ledger.record_event(event(3))
        path = tuple(item.hex() for item in ledger.prove_continues(8, ledger.head()))
        proof = _proof(ledger, node_key, 0, 3, 7, earlier=(Earlier(early, path),))
    (tmp_path / "early").write_text(early)
    file = tmp_path / "proof.json"
    text = msgspec.json.encode(proof).decode()
    file.write_text(text)
    status, said = audit("proof", file, "--against", tmp_path / "early")
    assert (status, "3 leaves under a checkpoint of 9" in said) == (0, True), said
    leaf = proof.leaves[1]
    hostile = [
        text.replace("seoul", "busan"),
        text.replace('"index":3', '"index":4'),
        text.replace(leaf.path[0], leaf.path[1]),
        text.replace(path[0], leaf.path[0]) if path[0] != leaf.path[0] else text[:-1],
        text.replace("\\n9\\n", "\\n10\\n"),
        text.replace("seawall-ledger-proof/1", "other"),
        text[:200],
        "[]",
        "{}",
        "[" * 100_000,
    ]
    for number, wrong in enumerate(hostile):
        file.write_text(wrong)
        assert audit("proof", file)[0] == 1, number
    file.write_text(msgspec.json.encode(msgspec.structs.replace(proof, earlier=())).decode())
    status, said = audit("proof", file, "--against", tmp_path / "early")
    assert (status, "does not say how" in said) == (1, True)


def test_keys_that_were_replaced(folder: Path, node_key: NodeKeys, other_key: NodeKeys, script: Path) -> None:
    """Heads of a former key stay good: the ledger opens, verifies and goes on, and an auditor follows."""

    class Rotated:
        """The same node after a rotation."""

        node_id = node_key.node_id
        signing_public = other_key.signing_public
        former_keys = (node_key.signing_public,)
        sign = staticmethod(other_key.sign)

    fill(folder, node_key)
    key = Rotated()
    with Ledger.open(folder, key) as ledger:
        assert ledger.verify().size == 8
        assert checkpoint_in(note_over(key, ledger.head()), own_key(key)).size == 8
        assert Auditor(script, node_key)("ledger", folder)[0] == 0
        ledger.record_event(event(1))
        assert ledger.verify().size == 9
    status, said = Auditor(script)("ledger", folder, "--key", own_key(key), "--key", own_key(node_key))
    assert (status, "9 leaves" in said) == (0, True), said
    splice(folder / "leaves", *record_at(8), b"")
    last = unpack((folder / "leaves").read_bytes()[slice(*record_at(7))])
    assert last is not None
    os.truncate(folder / "payloads", last.end)
    (folder / "checkpoint").write_bytes(
        encode(head(node_key, 0, EMPTY_ROOT), node_key.signing_public).ljust(512, b"\n")
    )
    with Ledger.open(folder, key) as ledger:
        assert ledger.checkpoint().split("\n")[1] == "8", "killed between leaf and checkpoint, rotated since"
        assert ledger.verify().size == 8
