"""The inbound desk and what it looks at before policy."""

from __future__ import annotations

import pytest

from exchange.fakes import START, MemoryDesk, indicator
from seawall.exchange import InboundDesk, ReceivedObject
from seawall.exchange.nesting import nested_deeper
from seawall.exchange.taxii.walk import Cursor
from seawall.model import Pap, Tlp
from seawall.model.stored import PutCounts, StoredObject


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"type":"indicator"}',
        b'{"id":"indicator--1"}',
        b'{"type":3,"id":"indicator--1"}',
        b'{"type":"tool","id":"indicator--1"}',
        b'{"type":"indicator","id":"indicator--' + b"1" * 300 + b'"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_has_no_name_is_rejected_with_a_reason(body: bytes) -> None:
    """A body without a matching type and id is rejected with one sentence, and the good one beside it lands."""
    memory = MemoryDesk()
    taken = memory.desk.take("lantern", "tw-kr", [body, indicator(1)])
    assert taken.rejected == 1
    assert taken.outcomes[0].problem
    assert taken.counts.new == 1


def test_every_batch_is_acknowledged_once() -> None:
    """Outcomes come in the order of the bodies, and one receipt is written for a batch, none for an empty one."""
    memory = MemoryDesk()
    taken = memory.desk.take("lantern", "tw-kr", [indicator(2), indicator(1)])
    assert [outcome.id[-1] for outcome in taken.outcomes] == ["2", "1"]
    assert memory.desk.take("lantern", "tw-kr", []).outcomes == ()
    assert memory.receipts == [("lantern", "tw-kr", 2)]


def test_nobody_smuggles_another_origin_in() -> None:
    """When policy hands back an object that is not attributed to its sender, it is not kept."""

    def admit(received: ReceivedObject) -> StoredObject:
        return StoredObject(received.id, received.type, received.version, None, received.body, Tlp.CLEAR, Pap.CLEAR)

    kept: list[StoredObject] = []

    def keep(objects: object) -> PutCounts:
        kept.append(objects)  # type: ignore[arg-type]  # only its presence counts
        return PutCounts()

    desk = InboundDesk(check=lambda _: None, admit=admit, keep=keep, receipt=lambda *_: None, clock=lambda: START)
    assert desk.take("lantern", "tw-kr", [indicator(1)]).rejected == 1
    assert kept == []


def test_nesting_is_measured_outside_of_texts() -> None:
    """Brackets inside of texts do not count, and the bound is exact."""
    assert not nested_deeper(b'{"a":"' + b"[{" * 100 + b'\\"[[["}', 3)
    assert not nested_deeper(b"[[[]],[[]],[[]]]", 3)
    assert nested_deeper(b"[[[[]]]]", 3)
    assert not nested_deeper(b"[[[[]]]]", 4)


def test_unreadable_cursor_starts_over() -> None:
    """A damaged cursor costs a repetition, not a synchronisation."""
    for text in (None, "", "x", "[]", '{"added_after":3}'):
        assert Cursor.read(text) == Cursor()
    assert Cursor.read(Cursor("a", "b", "c").text()) == Cursor("a", "b", "c")
