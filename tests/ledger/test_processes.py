"""Several processes at one ledger, and processes that die in the middle."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ledger.scenes import event, fill, release
from seawall.identity import NodeKeys
from seawall.ledger import Ledger
from seawall.ledger.layout import RECORD_BYTES

WRITER = """
import sys
from pathlib import Path
from seawall.identity import NodeKeys
from seawall.ledger import EventKind, Ledger, LedgerEvent

keys = NodeKeys.load(Path(sys.argv[2]))
name, count, batch = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
with Ledger.open(Path(sys.argv[1]), keys) as ledger:
    for number in range(count):
        events = [LedgerEvent(EventKind.APPROVAL, number, name, f"{name}-{number}-{part}", {}) for part in range(batch)]
        for receipt in ledger.record_many(events):
            print(receipt.leaf_index, receipt.leaf_hash, flush=True)
"""


def _writer(folder: Path, key: NodeKeys, name: str, count: int, batch: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(key.folder), name, str(count), str(batch)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _receipts(output: str) -> dict[int, str]:
    pairs = (
        line.split()
        for line in output.splitlines()
        if line.count(" ") == 1 and line.endswith(tuple("0123456789abcdef"))
    )
    return {int(index): digest for index, digest in pairs if len(digest) == 64}


def test_concurrent_writers_lose_nothing(folder: Path, node_key: NodeKeys) -> None:
    """Three processes and two threads append at once: every receipt is in the ledger, once, and it verifies."""
    writers = [_writer(folder, node_key, name, 40, batch) for name, batch in (("a", 1), ("b", 3), ("c", 2))]
    with Ledger.open(folder, node_key) as ledger:
        mine: list[int] = []

        def record() -> None:
            mine.extend(ledger.record(event(number)).leaf_index for number in range(30))

        threads = [threading.Thread(target=record) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    theirs = [_receipts(output) for output in outputs]
    indexes = sorted([*mine, *(index for receipts in theirs for index in receipts)])
    assert indexes == list(range(40 * 6 + 60))
    with Ledger.open(folder, node_key) as ledger:
        assert ledger.verify().size == len(indexes)
        for receipts in theirs:
            for index, digest in receipts.items():
                assert ledger.entry(index).leaf_hash == digest


def test_a_killed_writer_loses_nothing_acknowledged(folder: Path, node_key: NodeKeys) -> None:
    """kill -9 at random moments: every receipt that was given is there afterwards, and the ledger verifies."""
    chance = random.Random(20261121)
    acknowledged: dict[int, str] = {}
    for round_number in range(12):
        writer = _writer(folder, node_key, f"round{round_number}", 100_000, batch=1 + round_number % 4)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(chance.random() * 0.05)
        writer.send_signal(signal.SIGKILL)
        acknowledged |= _receipts(first + writer.communicate()[0])
    with Ledger.open(folder, node_key) as ledger:
        report = ledger.verify()
        assert report.size >= len(acknowledged) > 12
        for index, digest in acknowledged.items():
            assert ledger.entry(index).leaf_hash == digest


@pytest.mark.parametrize("torn", [1, 40, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 7])
def test_a_torn_leaf_is_cut_and_noted(folder: Path, node_key: NodeKeys, torn: int) -> None:
    """Bytes behind the last acknowledged head go at the next opening, and a leaf says how many."""
    fill(folder, node_key)
    with (folder / "payloads").open("ab") as file:
        file.write(b"half a payl")
    with (folder / "leaves").open("ab") as file:
        file.write(b"\x00" * torn)
    with Ledger.open(folder, node_key) as ledger:
        assert ledger.size == 9
        note = ledger.entry(8)
        assert (note.kind, note.event["details"]) == ("repair", {"bytes_cut": torn + 11})
        report = ledger.verify()
        assert (report.size, report.unfinished_bytes) == (9, 0)


def test_verify_reads_past_an_unfinished_write(folder: Path, node_key: NodeKeys) -> None:
    """Verification changes nothing: it reports the unfinished bytes and leaves the cutting to the next writer."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        with (folder / "leaves").open("ab") as file:
            file.write(b"torn")
        assert ledger.verify().unfinished_bytes == 4
        assert (folder / "leaves").stat().st_size == 8 * RECORD_BYTES + 4


def test_a_leaf_written_before_its_checkpoint_counts(folder: Path, node_key: NodeKeys) -> None:
    """Killed between leaf and checkpoint: the signed head inside the leaves is enough, and the checkpoint follows."""
    fill(folder, node_key)
    earlier = (folder / "checkpoint").read_bytes()
    with Ledger.open(folder, node_key) as ledger:
        ledger.record(release(9))
        later = ledger.checkpoint()
    (folder / "checkpoint").write_bytes(earlier)
    with Ledger.open(folder, node_key) as ledger:
        assert ledger.size == 9
        assert ledger.checkpoint() == later


def test_a_batch_without_its_head_is_cut(folder: Path, node_key: NodeKeys) -> None:
    """Of a batch whose head never reached the disk nothing counts."""
    fill(folder, node_key)
    earlier = (folder / "checkpoint").read_bytes()
    with Ledger.open(folder, node_key) as ledger:
        ledger.record_many([release(9), release(10), release(11)])
    (folder / "checkpoint").write_bytes(earlier)
    with (folder / "leaves").open("r+b") as file:
        file.truncate(10 * RECORD_BYTES)
    with Ledger.open(folder, node_key) as ledger:
        assert ledger.size == 9
        assert ledger.entry(8).kind == "repair"


def test_a_wait_is_named(folder: Path) -> None:
    """Who finds the ledger taken hears what is waited for, once, and goes on when it is free."""
    waits: list[str] = []
    with Ledger.open(folder, on_wait=waits.append) as ledger:
        holder = os.open(folder / "lock", os.O_RDWR)
        fcntl.flock(holder, fcntl.LOCK_EX)
        threading.Timer(0.2, os.close, [holder]).start()
        assert ledger.record(release()).leaf_index == 0
    assert waits == ["ledger"]


def test_a_forked_child_has_its_own_lock(folder: Path) -> None:
    """Parent and child append at once after a fork, and no leaf is lost."""
    with Ledger.open(folder) as ledger:
        ledger.record(event(0))
        child = os.fork()
        if child == 0:
            for number in range(30):
                ledger.record(event(number))
            os._exit(0)
        for number in range(30):
            ledger.record(event(number))
        assert os.waitpid(child, 0)[1] == 0
        report = ledger.verify()
        assert report.size == 61
