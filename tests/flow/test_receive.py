"""Deliveries from the spool to the lake: order, bounds, what fails."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest_scenes import eve
from seawall.flow.doctor import examine
from seawall.flow.jobs import run
from seawall.flow.listing import Listing
from seawall.flow.node import Node, create_node
from seawall.flow.receive import Receiver, aside, drain, retake
from seawall.flow.spool import BLOCK, REFUSED, Delivery, Spool
from seawall.ingest import ingest
from seawall.model import Unavailable


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """An empty node."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="isp", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node") as made:
        yield made


def delivery(*numbers: int, sensor: str | None = None) -> Delivery:
    """Some EVE lines."""
    return Delivery([eve(number) for number in numbers], "suricata-eve", sensor)


def test_deliveries_of_one_kind_are_taken_together(tmp_path: Path) -> None:
    """Oldest first, one format and sensor at a time, within the bounds of a batch."""
    spool = Spool(tmp_path)
    strange = 'a/../b~c"\n\u6e2c' + "x" * 100
    for kind in (None, strange, None):
        spool.put([delivery(1, sensor=kind), delivery(2, sensor=kind)])
    with spool.taking() as mine:
        assert mine
        first = spool.next(3, 1 << 20)
        assert first is not None
        assert (len(first.paths), first.format, first.sensor) == (3, "suricata-eve", None)
        spool.done(first)
        last = spool.next(9, 1 << 20)
        assert last is not None
        assert (len(last.paths), last.sensor) == (2, strange.encode()[:60].decode())
        small = spool.next(9, 1)
        assert small is not None
        assert len(small.paths) == 1
    assert all(path.parent == tmp_path for path in tmp_path.iterdir())


def test_the_spool_is_bounded_and_counts_what_leaves(tmp_path: Path) -> None:
    """Beyond the bound a sender is told to come again; what was taken in makes room."""
    one = delivery(1)
    spool = Spool(tmp_path, bound=BLOCK + 10)  # a small delivery takes a block
    spool.put([one])
    with pytest.raises(Unavailable) as full:
        spool.put([one])
    assert full.value.code == "E-FLOW-090"
    waiting = spool.next(9, 1 << 20)
    assert waiting is not None
    spool.done(waiting)
    spool.put([one])


def test_what_another_process_took_in_makes_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full spool is measured again before a sender is refused, but not for each of many senders."""
    server, other = Spool(tmp_path, bound=BLOCK + 10), Spool(tmp_path)
    measured: list[int] = []
    measure = Spool.size

    def counted(spool: Spool) -> int:
        measured.append(1)
        return measure(spool)

    monkeypatch.setattr(Spool, "size", counted)
    for _ in range(2):
        server.put([delivery(1)])
        for _ in range(3):
            with pytest.raises(Unavailable, match="E-FLOW-090"):
                server.put([delivery(1)])
        waiting = other.next(9, 1 << 20)
        assert waiting is not None
        other.done(waiting)
        server._next_measure = 0.0
    assert len(measured) == 1 + 2


def test_a_disk_that_refuses_acknowledges_nothing(tmp_path: Path) -> None:
    """A folder that cannot be written is a sentence, and no file is left half."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Unavailable) as refused:
        Spool(blocked / "received").put([delivery(1)])
    assert refused.value.code == "E-FLOW-091"


def test_one_process_takes_at_a_time(tmp_path: Path) -> None:
    """Who comes second leaves it to the first; parts of a killed process are swept after a while."""
    spool = Spool(tmp_path)
    spool.put([delivery(1)])
    old = tmp_path / "x.log.part"
    old.write_text("half")
    os.utime(old, (1, 1))
    with spool.taking() as mine, Spool(tmp_path).taking() as theirs:
        assert (mine, theirs) == (True, False)
        assert not old.exists()


def test_a_delivery_that_breaks_ingest_is_set_aside(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its batch are taken in; doctor and the job name the one that a person must look at."""
    receiver = Receiver(node)
    for number in (1, 2, 3):
        receiver.accept([delivery(number)])
    bad = sorted(receiver.spool.folder.glob("*.log"))[1]

    def fragile(paths, *arguments):  # type: ignore[no-untyped-def]
        if str(bad) in paths:
            raise RuntimeError("out of luck")
        return ingest(paths, *arguments)

    monkeypatch.setattr("seawall.flow.receive.ingest", fragile)
    drain(node, receiver.spool)
    assert receiver.spool.count() == 0
    assert [path.name for path in (receiver.spool.folder / REFUSED).iterdir()] == [bad.name]
    with node.lake.reading() as session:
        assert session.sql(f"SELECT count(*)::INTEGER AS n FROM {session.observations()}").to_pylist() == [{"n": 2}]
    assert run(node, "receive")["result"] == "nothing waits, 1 set aside"
    [check] = [check for check in examine(node.folder).checks if check["name"] == "received"]
    assert check["ok"] is False


def test_what_was_set_aside_is_taken_in_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listed with its facts; once the cause is gone it is stored, and what fails again stays aside."""
    receiver = Receiver(node)
    for number in (1, 2):
        receiver.accept([delivery(number, sensor="感測器")])
    with monkeypatch.context() as patch:
        patch.setattr("seawall.flow.receive.ingest", None)
        drain(node, receiver.spool)
        assert retake(node)["set_aside"] == 2
    (receiver.spool.folder / REFUSED / "note.txt").write_text("somebody's own")
    first, second = aside(node, limit=10, after=0).items
    assert (first["sensor"], first["lines"], first["format"]) == ("感測器", 1, "suricata-eve")
    assert aside(node, limit=1, after=0).next == 1
    assert aside(node, limit=1, after=1) == Listing([second], None)
    again = retake(node)
    assert (again["found"], again["stored"], again["set_aside"], again["waiting"]) == (2, 2, 1, 0)
    assert retake(node)["found"] == 0


def test_the_thread_takes_in_what_arrives_and_what_was_left(node: Node) -> None:
    """A delivery of an earlier process and one of now are both in the lake within moments."""
    Spool(node.folder / "received").put([delivery(1)])
    receiver = Receiver(node)
    receiver.start()
    try:
        receiver.accept([delivery(2)])
        pause = threading.Event()
        for _ in range(300):
            if not receiver.spool.count():
                break
            pause.wait(0.1)
    finally:
        receiver.stop()
    with node.lake.reading() as session:
        assert session.sql(f"SELECT count(*)::INTEGER AS n FROM {session.observations()}").to_pylist() == [{"n": 2}]
