"""Recording: receipts, repeats, batches, showing, erasing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ledger.scenes import MOMENT, event, fill, make_release, refusal, release
from seawall.identity import NodeKeys
from seawall.ledger import EventKind, Ledger, LedgerEvent
from seawall.ledger.checkpoint import decode
from seawall.ledger.layout import commitment_of
from seawall.ledger.tree import leaf_hash
from seawall.model import Fault, NotFound, Release, ReleasedObject, Unavailable, Withheld


def test_a_receipt_names_the_leaf(folder: Path) -> None:
    """Receipts carry the value, rising indexes and the leaf's hash as the ledger shows it."""
    receipts = fill(folder)
    assert [receipt.leaf_index for receipt in receipts] == [0, 1, 2, 3, 7]
    with Ledger.open(folder) as ledger:
        assert [ledger.entry(receipt.leaf_index).leaf_hash for receipt in receipts] == [
            receipt.leaf_hash for receipt in receipts
        ]


def test_everything_is_on_disk_before_the_receipt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payloads and leaves are synced, in this order, before ``record`` returns."""
    synced: list[str] = []
    real = os.fdatasync

    def watched(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    with Ledger.open(folder) as ledger:
        monkeypatch.setattr(os, "fdatasync", watched)
        ledger.record(release())
        assert synced == ["payloads", "leaves"]


def test_one_leaf_covers_a_page_and_commits_to_each_object(folder: Path) -> None:
    """The leaf lists id, version and SHA-256 of the bytes that leave; changing one byte changes the leaf."""
    page = (ReleasedObject("tool--1", "v1", b"one"), ReleasedObject("tool--2", "v2", b"two"))
    with Ledger.open(folder) as ledger:
        index = ledger.record(make_release(page)).leaf_index
        entry = ledger.entry(index)
        assert ledger.size == 1
        assert entry.objects == 2
        assert entry.event["objects"] == [
            ["tool--1", "v1", hashlib.sha256(b"one").hexdigest()],
            ["tool--2", "v2", hashlib.sha256(b"two").hexdigest()],
        ]


def test_contents_never_enter_the_ledger(folder: Path) -> None:
    """Of a released object the ledger keeps the hash, not the bytes."""
    with Ledger.open(folder) as ledger:
        ledger.record(make_release((ReleasedObject("tool--1", "v1", b"the secret body"),)))
    assert all(b"secret body" not in path.read_bytes() for path in folder.iterdir())


def test_equal_events_have_unequal_leaves(folder: Path) -> None:
    """Salts keep anybody who sees the tree from testing guesses."""
    with Ledger.open(folder) as ledger:
        first, second = ledger.record_many([event(), event()])
    assert first.leaf_hash != second.leaf_hash


def test_a_repeated_refusal_writes_nothing(folder: Path) -> None:
    """The same recipient, circle, object version and policy version give the old receipt, also after reopening."""
    with Ledger.open(folder) as ledger:
        first = ledger.record(refusal())
        assert ledger.record(refusal(at=60_000_000)).leaf_hash == first.leaf_hash
        assert ledger.size == 1
    with Ledger.open(folder) as ledger:
        again = ledger.record(refusal())
        assert (again.leaf_index, again.leaf_hash, ledger.size) == (first.leaf_index, first.leaf_hash, 1)
        ledger.record(refusal(version="v2"))
        ledger.record(refusal(policy_version="seawall-1/tw-kr@2"))
        assert ledger.size == 3


def test_a_repeat_inside_one_batch_is_one_leaf(folder: Path) -> None:
    """A batch that names a refusal twice writes it once, and other values keep their places."""
    with Ledger.open(folder) as ledger:
        batch: list[Release | Withheld] = [refusal(1), release(), refusal(1), refusal(2)]
        receipts = ledger.record_many(batch)
        assert [receipt.leaf_index for receipt in receipts] == [0, 1, 0, 2]
        assert ledger.size == 3


def test_losing_the_memory_of_refusals_costs_a_leaf(folder: Path) -> None:
    """Without the file of refusals a repeat is written again, and the ledger still verifies."""
    with Ledger.open(folder) as ledger:
        ledger.record(refusal())
    (folder / "refusals").unlink()
    with Ledger.open(folder) as ledger:
        assert ledger.record(refusal()).leaf_index == 1
        assert ledger.verify().size == 2


def test_a_release_of_nothing_is_an_error(folder: Path) -> None:
    """An empty answer needs no release, so asking to record one is a mistake that is heard."""
    with Ledger.open(folder) as ledger:
        with pytest.raises(Fault) as caught:
            ledger.record_many([release(), make_release(())])
        assert caught.value.code == "E-LEDGER-008"
        assert ledger.size == 0
        assert ledger.record_many([]) == []


def test_a_full_disk_records_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses half-way, no receipt is given and the next recording mends the tail and says so."""
    with Ledger.open(folder) as ledger:
        ledger.record(release(0))
        real = os.pwrite
        calls: list[int] = []

        def full(descriptor: int, data: memoryview, offset: int) -> int:
            calls.append(1)
            if len(calls) == 1:
                return real(descriptor, data, offset)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(Unavailable) as caught:
            ledger.record(release(1))
        assert caught.value.code == "E-LEDGER-005"
        monkeypatch.setattr(os, "pwrite", real)
        assert ledger.record(release(2)).leaf_index == 2
        assert [entry.kind for entry in ledger.show().items] == ["release", "repair", "release"]
        assert ledger.verify().size == 3


def test_pages_follow_each_other(folder: Path) -> None:
    """``show`` walks the ledger in order, without gaps or repeats, at any page size."""
    fill(folder)
    with Ledger.open(folder) as ledger:
        for limit in (1, 3, 8, 100):
            seen, after = [], -1
            while True:
                page = ledger.show(limit, after)
                seen += [entry.index for entry in page.items]
                if page.next is None:
                    break
                after = page.next
            assert seen == list(range(8))
        assert ledger.show(5, after=99).items == ()


def test_an_entry_reads_like_what_happened(folder: Path) -> None:
    """Kind, moment, recipient, circle and rule are told; the event has a subject instead."""
    fill(folder)
    with Ledger.open(folder) as ledger:
        shown = ledger.entry(4)
        assert (shown.kind, shown.at, shown.recipient, shown.circle, shown.rule, shown.objects) == (
            "withheld",
            MOMENT,
            "seoul",
            "tw-kr",
            "tlp-ceiling",
            1,
        )
        assert (ledger.entry(6).kind, ledger.entry(6).recipient) == ("peer-added", "peer-6")
        for index in (-1, 8):
            with pytest.raises(NotFound):
                ledger.entry(index)


def test_contents_can_be_erased_and_the_tree_stands(folder: Path, node_key: NodeKeys) -> None:
    """After erasing, nothing of the contents or its salt is left, every hash still verifies, and a leaf tells of it."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        root, size = ledger.root(), ledger.size
        ledger.erase(4, "lin", "names a victim")
        report = ledger.verify()
        assert (report.erased, report.size) == (1, size + 1)
        assert ledger.entry(4).kind == "erased"
        assert ledger.entry(size).event["details"] == {"leaf": 4, "reason": "names a victim"}
        assert ledger.root() != root
    assert b'"indicator--4"' not in (folder / "payloads").read_bytes()


def test_the_checkpoint_is_c2sp_text(folder: Path, node_key: NodeKeys) -> None:
    """Origin, size, root, an empty line and one signature line, as tlog-checkpoint says."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        text = ledger.checkpoint()
        lines = text.split("\n")
        assert lines[:2] == [f"seawall/{node_key.node_id}", "8"]
        assert lines[3] == ""
        assert lines[4].startswith(f"\u2014 seawall/{node_key.node_id} ")
        assert lines[5:] == [""]
        read = decode(text.encode())
        assert (read.size, read.root.hex()) == (8, ledger.root())


def test_a_ledger_keeps_to_its_key(folder: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """Another node's key, or none, does not open a signed ledger."""
    fill(folder, node_key)
    for key in (other_key, None):
        with pytest.raises(Fault) as caught:
            Ledger.open(folder, key)
        assert caught.value.code == "E-LEDGER-007"


def test_reopening_a_long_ledger_does_not_read_it_all(folder: Path) -> None:
    """The saved frontier gives the same state, and a lost or false one is made again from the leaves."""
    with Ledger.open(folder) as ledger:
        for start in range(0, 2100, 700):
            ledger.record_many([event(start + number) for number in range(700)])
        root = ledger.root()
    for spoil in (lambda: None, (folder / "frontier").unlink, lambda: (folder / "frontier").write_bytes(b"{}")):
        spoil()
        with Ledger.open(folder) as ledger:
            assert (ledger.size, ledger.root()) == (2100, root)
    saved = (folder / "frontier").read_bytes()
    with Ledger.open(folder) as ledger:
        ledger.record(event())
    (folder / "frontier").write_bytes(saved.replace(b'"size":2100', b'"size":2101'))
    with Ledger.open(folder) as ledger:
        assert ledger.size == 2101
        assert ledger.verify().root == ledger.root()


def test_salts_come_from_the_given_source(folder: Path) -> None:
    """With known randomness the leaf hash can be computed by hand."""
    with Ledger.open(folder, random=lambda count: b"\x07" * count) as ledger:
        receipt = ledger.record_event(LedgerEvent(EventKind.RECALL, 5, "lin", "tool--1"))
    said = b'{"actor":"lin","at":5,"details":{},"kind":"recall","subject":"tool--1"}'
    assert receipt.leaf_hash == leaf_hash(commitment_of(b"\x07" * 32, said)).hex()
